-- rewards: reward_id, version
-- kind、ranked_in 或名额不对（名额与比例只能有一个）
-- kind, ranked_in or the places are not what they may be (places or a percentage, not both)
from rewards
where
    coalesce(kind, '') not in ('honour', 'priority', 'rent')
    or coalesce(ranked_in, '') not in ('zone', 'stage')
    or (places is not null and top_pct is not null)
    or places < 1 or top_pct not between 0.0001 and 100 or department is null
