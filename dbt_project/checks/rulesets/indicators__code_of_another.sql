-- ruleset_indicators: ruleset_id, indicator_code
-- 代码不能是另一指标的代码加系统自有的后缀 _status
-- a code cannot be another one with an ending of ours: _status
-- `measures` has two columns of each code, the value and the reason why there is none.
select distinct made.ruleset_id, made.indicator_code
from ruleset_indicators as made
inner join ruleset_indicators as other on made.ruleset_id = other.ruleset_id
where lower(made.indicator_code) = lower(other.indicator_code) || '_status'
