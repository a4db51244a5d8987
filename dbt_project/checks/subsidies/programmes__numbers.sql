-- subsidy_programmes: ruleset_id
-- 比例不是百分数（0 至 100，80 即 80%），金额或天数为负、过大或缺失，或单笔上限高于企业上限
-- a share is not in percent (80 is 80 %), an amount or days are missing or out of range, or a contract cap is above the firm's
select programme_id as ruleset_id from subsidy_programmes
where
    coalesce(interest_share_pct not between 0 and 100, true)
    or coalesce(advance_pct not between 0 and 100, true)
    or (interest_share_pct > 0 and interest_share_pct <= 1)
    or (advance_pct > 0 and advance_pct <= 1)
    or coalesce(publicity_days not between 0 and 365, true)
    or contract_cap_cny > firm_cap_cny
    or coalesce(revenue_year_offset not between -5 and 0, true)
    or financing_cap_cny < 0
    or contract_cap_cny < 0
    or firm_cap_cny < 0
