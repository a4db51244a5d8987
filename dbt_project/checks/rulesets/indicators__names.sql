-- ruleset_indicators: ruleset_id, indicator_code
-- 中英文名称缺一不可
-- a name in both languages is needed
from ruleset_indicators where trim(coalesce(name_zh, '')) = '' or trim(coalesce(name_en, '')) = ''
