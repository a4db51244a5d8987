-- rulesets: ruleset_id, other_id
-- 与同类规则集 {other_id} 的有效期重叠
-- in force on the same days as {other_id}
select one.ruleset_id, other.ruleset_id as other_id
from rulesets as one
inner join rulesets as other on one.scheme = other.scheme and one.ruleset_id < other.ruleset_id
where
    one.status = 'active' and other.status = 'active'
    and (one.valid_to is null or one.valid_to >= other.valid_from)
    and (other.valid_to is null or other.valid_to >= one.valid_from)
