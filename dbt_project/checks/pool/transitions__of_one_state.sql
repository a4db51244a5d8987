-- pool_transitions: to_state
-- 同一状态的金额规则不一致
-- one state has two rules of its amount
select to_state as ruleset_id, to_state from pool_transitions group by to_state having count(distinct amount_rule) > 1
