-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- 未知的函数 {function}，须为 step、linear_capped、log_capped、percentile_in_peer、count_weighted、level_map、deduct、veto之一
-- unknown function {function}: one of step, linear_capped, log_capped, percentile_in_peer, count_weighted, level_map, deduct, veto
from ruleset_rules
where
    coalesce(function, '') not in (
        'step', 'linear_capped', 'log_capped', 'percentile_in_peer', 'count_weighted', 'level_map', 'deduct', 'veto'
    )
