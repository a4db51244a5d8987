-- pool_transitions: from_state, to_state, amount_rule
-- 没有这个状态，或没有这种金额规则
-- no such state, or no such rule of the amount
select to_state as ruleset_id, * from pool_transitions
where
    (coalesce(from_state, '') <> 'none' and coalesce(from_state, '') not in (from claim_states))
    or coalesce(to_state, '') not in (from claim_states)
    or coalesce(amount_rule, '') not in ('none', 'up_to_principal', 'guaranteed_share', 'government_share', 'up_to_loss')
