-- reward_orders: reward_id, version, place
-- 没有这个奖励或版本，或方向不是 highest、lowest
-- no such reward or version, or the direction is neither highest nor lowest
from reward_orders
where (reward_id, version) not in (select (rewards.reward_id, rewards.version) from rewards)
    or coalesce(direction, '') not in ('highest', 'lowest')
