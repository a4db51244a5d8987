-- policy_relations: policy_id, version, other_policy_id
-- 没有这个政策或版本，或关系不是 requires、excludes，或指向自身
-- no such policy or version, neither requires nor excludes, or itself
from policy_relations
where (policy_id, version) not in (select (policies.policy_id, policies.version) from policies)
    or other_policy_id not in (select policies.policy_id from policies)
    or coalesce(relation, '') not in ('requires', 'excludes')
    or other_policy_id = policy_id
