-- ruleset_indicators: ruleset_id, indicator_code
-- SQL 保留字不能作指标代码
-- a reserved word of SQL cannot be an indicator's code
from ruleset_indicators
where lower(indicator_code) in (select keyword_name from duckdb_keywords() where keyword_category = 'reserved')
