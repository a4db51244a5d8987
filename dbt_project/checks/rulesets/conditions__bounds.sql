-- ruleset_conditions: ruleset_id, condition_code, measure
-- 条件没有上下限
-- the condition has no bound
from ruleset_conditions where (lo is null and hi is null) or lo > hi
