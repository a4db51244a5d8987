-- pool_sharing: ruleset_id, band
-- 政府（上限）与银行分担之和超过 100%
-- government, up to its ceiling, and bank bear more than all of a loss
from ordered_bands inner join pool_agreements using (agreement_id)
where
    coalesce(government_pct < 0, true)
    or coalesce(bank_pct < 0, true)
    or government_pct > government_ceiling_pct
    or government_ceiling_pct + bank_pct > 100
