-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- log_capped 须写明大于 1 的底数，且下限加偏移量大于 0
-- log_capped states a base above 1, and lo + log_offset is above 0
from written_rules
where
    function = 'log_capped'
    and (coalesce(log_base, 0) <= 1 or (share_at_lo <> share_at_end and lo + coalesce(log_offset, 0) <= 0))
