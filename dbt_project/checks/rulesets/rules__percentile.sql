-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- percentile_in_peer 须写明 peer_by（all、stage、industry、stage_industry）和不小于 2 的 minimum_peers，档在 0 与 100 之间
-- percentile_in_peer states peer_by (all, stage, industry, stage_industry) and minimum_peers of 2 or more, over 0 to 100
from ruleset_rules
where
    function = 'percentile_in_peer'
    and (
        coalesce(peer_by, '') not in ('all', 'stage', 'industry', 'stage_industry') or coalesce(minimum_peers, 0) < 2
        or lo not between 0 and 100 or hi not between 0 and 100
    )
