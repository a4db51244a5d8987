-- items: kind, item_id, version
-- 与下一版本之间有 {days} 天没有规则
-- {days} days without a rule before the next version
select kind, item_id, version, next_from - valid_to - 1 as days
from (select *, lead(valid_from) over (partition by kind, item_id order by valid_from) as next_from from items)
where next_from - valid_to > 1
