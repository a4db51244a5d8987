-- restriction_measures: measure_id
-- 没有标识为 policy-incentives 的措施：事实 restrictions 只统计该措施，政策将对受限企业开放
-- is no measure of restriction_measures; the fact `restrictions` counts it alone, and all policies would open
select distinct 'policy-incentives' as measure_id
from programme_conditions
cross join restriction_measures
where
    programme_conditions.fact = 'restrictions'
    and 'policy-incentives' not in (select measure_id from restriction_measures)
