-- policy_relations: policy_id, version, other_policy_id
-- 对同一政策有两种关系
-- stands in two relations to the same policy
select policy_id, version, other_policy_id from policy_relations group by all having count(*) > 1
