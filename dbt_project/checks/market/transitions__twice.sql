-- market_transitions: scope, from_state, to_state
-- 状态转换重复
-- duplicate row: the pair of states
select scope, from_state, to_state from market_transitions group by all having count(*) > 1
