-- pool_sharing: ruleset_id, band
-- 没有档名，分担比例不是百分数（40 即 40%），或政府（上限）与银行分担之和超过 100%
-- no name, a share not in percent (40 is 40 %), or government, up to its ceiling, and bank bear more than all of a loss
from ordered_bands inner join pool_agreements using (agreement_id)
where
    coalesce(government_pct < 0, true)
    or coalesce(bank_pct < 0, true)
    or (government_pct > 0 and government_pct <= 1)
    or (bank_pct > 0 and bank_pct <= 1)
    or band is null
    or government_pct > government_ceiling_pct
    or government_ceiling_pct + bank_pct > 100
