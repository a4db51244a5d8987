-- ruleset_stages: ruleset_id, stage, max_age_months
-- 年龄上限须大于 0
-- an age limit is above 0
from ruleset_stages where max_age_months <= 0
