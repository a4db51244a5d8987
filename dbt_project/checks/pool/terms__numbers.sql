-- pool_terms: ruleset_id
-- 费率、倍数、警戒线或停止线缺失或不合理，或警戒线高于停止线
-- a rate, the leverage or a line is missing or out of range, or the warning line is above the stop line
select pool_id as ruleset_id from pool_terms
where
    coalesce(fee_rate_pct not between 0 and 100, true)
    or coalesce(leverage_times not between 1 and 100, true)
    or (warn_pct > 0 and warn_pct < 0.1)
    or (stop_pct > 0 and stop_pct < 0.1)
    or coalesce(warn_pct not between 0 and 100, true)
    or coalesce(stop_pct not between 0 and 100, true)
    or warn_pct > stop_pct
