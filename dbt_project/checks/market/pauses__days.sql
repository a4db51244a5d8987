-- market_pauses: bank, of_product
-- 起止日期缺失或颠倒
-- paused_from is missing, or after paused_to
from pause_rows where paused_from is null or paused_to < paused_from
