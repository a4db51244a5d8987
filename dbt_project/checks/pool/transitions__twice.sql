-- pool_transitions: from_state, to_state
-- 状态转换重复
-- duplicate row: the pair of states
select to_state as ruleset_id, from_state, to_state from pool_transitions group by all having count(*) > 1
