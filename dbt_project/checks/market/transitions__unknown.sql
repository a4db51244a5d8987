-- market_transitions: scope, from_state, to_state
-- 没有这个状态或范围，或未说明是否须有原因
-- no such state or scope, or it is not said whether a reason is needed
from market_transitions
where
    coalesce(scope, '') not in ('need', 'bank')
    or coalesce(from_state, '') not in (select state from market_states)
    or coalesce(to_state, '') not in (select state from market_states where scope in (market_transitions.scope, 'both'))
    or needs_reason is null
