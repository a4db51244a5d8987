-- market_orders: list
-- 排序不是 1 至 3 依次
-- its places are not 1 to 3 in turn
select lists.list
from (values ('need_offers'), ('bank_prospects')) as lists (list)
left join market_orders using (list)
group by lists.list
having count(place) not between 1 and 3 or count(place) <> count(distinct place) or max(place) <> count(place)
