-- ruleset_inputs: ruleset_id, indicator_code, years_back
-- years_back 须在 0 与 10 之间
-- years_back is between 0 and 10
from ruleset_inputs where coalesce(years_back not between 0 and 10, true)
