-- ruleset_indicators: ruleset_id, indicator_code
-- 系统自有列名不能作指标代码：uscc、stage、industry_code
-- a column of ours cannot be an indicator's code: uscc, stage, industry_code
from ruleset_indicators where lower(indicator_code) in ('uscc', 'stage', 'industry_code')
