-- market_states: state, place
-- 次序与另一状态相同
-- has the place of another state
select state, place from market_states qualify count(*) over (partition by place) > 1
