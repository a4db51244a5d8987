-- pool_sharing: ruleset_id, band
-- 没有这个协议
-- no such agreement
from ordered_bands anti join pool_agreements using (agreement_id)
