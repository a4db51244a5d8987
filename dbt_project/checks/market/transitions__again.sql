-- market_transitions: scope, from_state, to_state
-- 不可回到起点
-- leads back to a state that it came from
with recursive ways as (
    select scope, from_state, to_state from market_transitions
    union
    select ways.scope, ways.from_state, market_transitions.to_state
    from ways
    inner join market_transitions on ways.scope = market_transitions.scope and ways.to_state = market_transitions.from_state
)

from ways where from_state = to_state
