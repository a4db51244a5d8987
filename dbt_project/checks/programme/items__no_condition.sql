-- items: kind, item_id, version
-- 没有任何条件
-- no condition
from items anti join programme_conditions using (kind, item_id, version)
