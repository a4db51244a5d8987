-- programme_cases: kind, item_id, version, case_no
-- 结果须为 eligible、near_miss 或 no
-- must be decided eligible, near_miss or no
from programme_cases where coalesce(expected, '') not in ('eligible', 'near_miss', 'no')
