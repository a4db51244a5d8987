-- pool_agreements: ruleset_id
-- 有效期缺失或颠倒，或缺少银行、担保机构、额度、上限
-- the days are missing or reversed, or bank, guarantor, limit or ceiling is missing
select agreement_id as ruleset_id from pool_agreements
where
    valid_from is null
    or valid_to < valid_from
    or bank is null
    or guarantor is null
    or coalesce(limit_cny < 0, true)
    or coalesce(government_ceiling_pct not between 0 and 100, true)
    or (government_ceiling_pct > 0 and government_ceiling_pct <= 1)
