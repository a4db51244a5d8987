-- ruleset_indicators: ruleset_id, indicator_code
-- direction 须为 higher_is_better 或 lower_is_better
-- direction must be higher_is_better or lower_is_better
from ruleset_indicators where coalesce(direction, '') not in ('higher_is_better', 'lower_is_better')
