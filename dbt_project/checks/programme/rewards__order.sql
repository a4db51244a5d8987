-- rewards: reward_id, version
-- 有名额而没有排序，或排序不是 1 至 3 依次
-- has places and no order, or the order is not 1 to 3 in turn
select rewards.reward_id, rewards.version
from rewards
left join reward_orders using (reward_id, version)
group by rewards.reward_id, rewards.version, rewards.places, rewards.top_pct
having
    (coalesce(rewards.places, rewards.top_pct) is not null and count(reward_orders.place) = 0)
    or count(reward_orders.place) <> count(distinct reward_orders.place)
    or coalesce(max(reward_orders.place), 0) <> count(reward_orders.place) or count(reward_orders.place) > 3
