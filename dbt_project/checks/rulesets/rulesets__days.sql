-- rulesets: ruleset_id
-- 有效期缺失或颠倒
-- valid_from is missing, or after valid_to
from rulesets where valid_from is null or valid_to < valid_from
