-- rulesets: ruleset_id
-- aggregation 须为 points 或 weighted_mean，后者的 points_scale 须在 0 与 1000000 之间
-- aggregation must be points, or weighted_mean with a points_scale above 0 and up to 1,000,000
from rulesets
where
    coalesce(aggregation, '') not in ('points', 'weighted_mean')
    or (aggregation = 'weighted_mean' and (coalesce(points_scale, 0) <= 0 or points_scale > 1000000))
