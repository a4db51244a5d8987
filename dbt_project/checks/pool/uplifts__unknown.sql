-- pool_uplifts: ruleset_id, uplift
-- 没有这个协议，或上浮为负、缺失或不是百分数（15 即 15%）
-- no such agreement, or the uplift is below zero, missing or not in percent (15 is 15 %)
select agreement_id as ruleset_id, * from pool_uplifts anti join pool_agreements using (agreement_id)
union all
select agreement_id as ruleset_id, * from pool_uplifts
where
    coalesce(government_pct not between 0 and 100, true) or (government_pct > 0 and government_pct <= 1) or uplift is null or uplift_group is null
