-- rewards: reward_id, version
-- 有名额而没有排序，有排序而没有名额（则人人可得），或排序不是 1 至 3 依次
-- has places and no order, an order and no places (all would get it), or the order is not 1 to 3 in turn
select rewards.reward_id, rewards.version
from rewards
left join reward_orders on rewards.reward_id = reward_orders.reward_id and rewards.version = reward_orders.version
group by rewards.reward_id, rewards.version, rewards.kind, rewards.places, rewards.top_pct
having
    (coalesce(rewards.places, rewards.top_pct) is not null and count(reward_orders.place) = 0)
    or count(reward_orders.place) <> count(distinct reward_orders.place)
    or (rewards.kind <> 'rent' and coalesce(rewards.places, rewards.top_pct) is null and count(reward_orders.place) > 0)
    or coalesce(min(reward_orders.place), 1) <> 1
    or coalesce(max(reward_orders.place), 0) <> count(reward_orders.place) or count(reward_orders.place) > 3
