-- policy_relations: policy_id, version, other_policy_id
-- 所需政策自身又需要其他政策：请直接列出
-- the policy that it requires requires another: name that one here too
select one.policy_id, one.version, one.other_policy_id
from policy_relations as one
inner join policy_relations as other on one.other_policy_id = other.policy_id
where
    one.relation = 'requires' and other.relation = 'requires'
    and not exists (
        from policy_relations as direct
        where
            direct.policy_id = one.policy_id and direct.version = one.version and direct.relation = 'requires'
            and direct.other_policy_id = other.other_policy_id
    )
