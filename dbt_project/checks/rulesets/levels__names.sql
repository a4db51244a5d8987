-- ruleset_levels: ruleset_id, indicator_code, level
-- 级别的中英文名称缺一不可
-- a level needs a name in both languages
from ruleset_levels where trim(coalesce(name_zh, '')) = '' or trim(coalesce(name_en, '')) = ''
