-- programme_conditions: kind, item_id, version, condition_no
-- 没有这个事项或版本
-- no such item or version
from programme_conditions anti join items using (kind, item_id, version)
