-- items: kind, item_id, version
-- 没有任何条件
-- no condition
from (select * from items where kind <> 'public_list') anti join programme_conditions using (kind, item_id, version)
