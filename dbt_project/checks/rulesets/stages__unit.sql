-- ruleset_stages: ruleset_id, stage
-- 营业收入界限须以元为单位，不是万元
-- a line of revenue is in yuan, not in ten thousands of them
-- A stage up to 1 yuan is that of no revenue.
from ruleset_stages semi join measured_by_night using (ruleset_id)
where revenue_low_cny between 2 and 9999 or revenue_high_cny between 2 and 9999
