-- subsidy_programmes: ruleset_id, kind, day_count, balance_mode
-- 类型、计息天数或余额口径不在可选值内
-- kind, day_count or balance_mode is none of those that are known
select programme_id as ruleset_id, * from subsidy_programmes
where
    coalesce(kind, '') not in ('loan', 'lease')
    or coalesce(day_count, '') not in ('act/360', 'act/365', '30/360')
    or coalesce(balance_mode, '') not in ('segments', 'yearly_average')
