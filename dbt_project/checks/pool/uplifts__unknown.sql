-- pool_uplifts: ruleset_id, uplift
-- 没有这个协议，或上浮为负或缺失
-- no such agreement, or the uplift is below zero or missing
select agreement_id as ruleset_id, * from pool_uplifts anti join pool_agreements using (agreement_id)
union all
select agreement_id as ruleset_id, * from pool_uplifts where coalesce(government_pct < 0, true) or uplift_group is null
