-- subsidy_programmes: ruleset_id
-- 比例不在 0 至 100 之间，金额或天数为负，或缺失
-- a share is not within 0 and 100, an amount or a number of days is below zero, or one is missing
select programme_id as ruleset_id from subsidy_programmes
where
    coalesce(interest_share_pct not between 0 and 100, true)
    or coalesce(advance_pct not between 0 and 100, true)
    or coalesce(publicity_days < 0, true)
    or coalesce(revenue_year_offset not between -5 and 0, true)
    or financing_cap_cny < 0
    or contract_cap_cny < 0
    or firm_cap_cny < 0
