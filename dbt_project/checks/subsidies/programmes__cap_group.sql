-- subsidy_programmes: ruleset_id, firm_cap_group
-- 同一合并上限组的企业上限不一致，或没有组
-- programmes of one cap group have different caps, or there is no group
select programme_id as ruleset_id, firm_cap_group from subsidy_programmes
where
    firm_cap_group is null
    or firm_cap_group in (
        select firm_cap_group from subsidy_programmes
        group by firm_cap_group having count(distinct coalesce(firm_cap_cny, -1)) > 1
    )
