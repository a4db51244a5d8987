-- ruleset_stages: ruleset_id, stage
-- 最低阶段须无下限，最高阶段须无上限
-- the lowest stage is open below and the highest above
from ordered_stages
where (place = 1 and revenue_low_cny is not null) or (place = stage_count and revenue_high_cny is not null)
