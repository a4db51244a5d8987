-- items: kind, item_id, version
-- 缺少起始日，或终止日早于起始日
-- no first day, or the last day is before the first
from items where valid_from is null or valid_to < valid_from
