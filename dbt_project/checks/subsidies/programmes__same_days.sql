-- subsidy_programmes: ruleset_id, other_id
-- 同类补贴办法有效期重叠
-- is in force on the same day as another of its kind
select one.programme_id as ruleset_id, other.programme_id as other_id
from subsidy_programmes as one
inner join subsidy_programmes as other
    on
        one.kind = other.kind
        and one.programme_id < other.programme_id
        and one.valid_from <= coalesce(other.valid_to, date '9999-12-31')
        and other.valid_from <= coalesce(one.valid_to, date '9999-12-31')
