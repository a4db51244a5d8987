-- items: kind, item_id, version
-- 同一版本出现两次
-- duplicate row: the version
select kind, item_id, version from items group by all having count(*) > 1
