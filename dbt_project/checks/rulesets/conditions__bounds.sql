-- ruleset_conditions: ruleset_id, condition_code, measure
-- 条件没有代码或上下限，或上下限颠倒、之间没有值
-- the condition has no code or no bound, or no value lies within its bounds
from ruleset_conditions
where
    condition_code is null
    or (lo is null and hi is null)
    or lo > hi
    or (lo = hi and not (coalesce(inclusive_lo, true) and coalesce(inclusive_hi, false)))
