-- pool_restarts: ruleset_id, scope, party
-- 同一对象的恢复期重叠
-- is in force on the same day as another of the same party
select pool_id as ruleset_id, scope, party from (
    from pool_restarts
    select *, lag(valid_to) over (partition by pool_id, scope, party order by valid_from, valid_to) as ended_on
)
where valid_from <= ended_on
