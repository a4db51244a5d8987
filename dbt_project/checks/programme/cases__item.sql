-- programme_cases: kind, item_id, version, case_no
-- 没有这个事项或版本
-- no such item or version
from programme_cases anti join items using (kind, item_id, version)
