-- pool_restarts: ruleset_id, scope, party, stop_pct
-- 停止线缺失、不高于资金池的停止线，或超过 100
-- the line is missing, not above the pool's own, or above 100
select pool_id as ruleset_id, scope, party, pool_restarts.stop_pct from pool_restarts
left join pool_terms using (pool_id)
where coalesce(pool_restarts.stop_pct <= pool_terms.stop_pct or pool_restarts.stop_pct > 100, true)
