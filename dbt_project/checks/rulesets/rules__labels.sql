-- ruleset_rules: ruleset_id, indicator_code, stage, label
-- 档的名称须中英文都有
-- a label stands in both languages
from ruleset_rules where (label is null) <> (label_en is null)
