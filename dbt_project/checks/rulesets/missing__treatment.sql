-- ruleset_missing: ruleset_id, indicator_code, supply_status
-- treatment 须为 rebase、zero 或 refuse
-- treatment must be rebase, zero or refuse
from ruleset_missing where coalesce(treatment, '') not in ('rebase', 'zero', 'refuse')
