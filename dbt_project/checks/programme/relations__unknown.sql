-- policy_relations: policy_id, version, other_policy_id
-- 没有这个政策或版本，关系不是 requires、excludes，指向自身，或没有理由
-- no such policy or version, neither requires nor excludes, itself, or no reason
from policy_relations
where (policy_id, version) not in (select (policies.policy_id, policies.version) from policies)
    or coalesce(other_policy_id, '') not in (select policies.policy_id from policies)
    or coalesce(relation, '') not in ('requires', 'excludes')
    or other_policy_id = policy_id or reason_zh is null or reason_en is null
