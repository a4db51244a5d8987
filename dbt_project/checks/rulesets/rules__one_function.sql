-- ruleset_rules: ruleset_id, indicator_code
-- 同一指标的各档须用同一函数和同一组参数
-- all segments of an indicator share one function and its parameters
select ruleset_id, indicator_code from ruleset_rules
group by all
having
    count(distinct function) > 1 or count(distinct coalesce(log_offset, 0)) > 1
    or count(distinct coalesce(peer_by, '')) > 1 or count(distinct coalesce(minimum_peers, 0)) > 1
