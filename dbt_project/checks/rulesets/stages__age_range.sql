-- ruleset_stages: ruleset_id, stage, max_age_months
-- 年龄上限须在 1 至 1200 个月之间
-- an age limit is between 1 and 1,200 months
from ruleset_stages where max_age_months not between 1 and 1200
