-- ruleset_stages: ruleset_id, stage, next_stage
-- 与下一阶段之间有缺口、重叠，或界限归属不明
-- a gap or an overlap with the next stage, or a boundary that belongs to both or to neither
from ordered_stages
where
    place < stage_count
    and (
        revenue_high_cny is null or next_low is null or revenue_high_cny <> next_low
        or coalesce(inclusive_high, false) = coalesce(next_inclusive, false)
    )
