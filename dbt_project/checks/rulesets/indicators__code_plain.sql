-- ruleset_indicators: ruleset_id, indicator_code
-- 代码须以字母开头，只含字母、数字和下划线，至多 30 个字符
-- a code begins with a letter and has letters, digits and _ only, 30 at most
from ruleset_indicators where not regexp_full_match(indicator_code, '[A-Za-z][A-Za-z0-9_]{0,29}')
