-- ruleset_indicators: ruleset_id, indicator_code
-- 系统自有列名不能作指标代码：uscc、stage、enterprise_id
-- a column of ours cannot be an indicator's code: uscc, stage, enterprise_id
from ruleset_indicators where lower(indicator_code) in ('uscc', 'stage', 'enterprise_id')
