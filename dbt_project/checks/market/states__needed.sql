-- market_states: state
-- 缺少模型所需的状态
-- a state that the models need is missing
select unnest(['posted', 'matched', 'rejected', 'drawn', 'closed', 'expired']) as state
except
select state from market_states
