-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- 只有 log_capped 用 log_base、log_offset，只有 percentile_in_peer 用 peer_by、minimum_peers
-- log_base and log_offset belong to log_capped alone, peer_by and minimum_peers to percentile_in_peer
from ruleset_rules
where
    (function <> 'log_capped' and (log_base is not null or log_offset is not null))
    or (function <> 'percentile_in_peer' and (peer_by is not null or minimum_peers is not null))
