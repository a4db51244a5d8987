-- programme_conditions: kind, item_id, version, condition_no
-- 下限高于上限，或未说明是否含端点，或 near 为负
-- the lower edge is above the upper one, an edge does not say whether it is included, or near is below 0
from programme_conditions
where
    lo > hi
    or (lo = hi and not (inclusive_lo and inclusive_hi))
    or (lo is null) <> (inclusive_lo is null)
    or (hi is null) <> (inclusive_hi is null)
    or near < 0
