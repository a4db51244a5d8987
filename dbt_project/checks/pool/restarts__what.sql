-- pool_restarts: ruleset_id, scope, party
-- 没有这个资金池，或该池的协议中没有这个对象
-- no such pool, or none of its agreements is with this party
select pool_id as ruleset_id, scope, party from pool_restarts
anti join (
    select pool_id, 'pool' as scope, pool_id as party from pool_agreements
    union all
    select pool_id, 'bank' as scope, bank as party from pool_agreements
    union all
    select pool_id, 'guarantor' as scope, guarantor as party from pool_agreements
) as parties using (pool_id, scope, party)
