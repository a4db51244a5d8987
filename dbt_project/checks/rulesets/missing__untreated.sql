-- ruleset_missing: ruleset_id, indicator_code, supply_status
-- 未规定数据缺失如何处理
-- no treatment for this missing status
-- Only a comparison can have too few to compare with.
select indicators.ruleset_id, indicators.indicator_code, statuses.supply_status
from ruleset_indicators as indicators
cross join supply_statuses as statuses
anti join ruleset_missing as missing
    on
        indicators.ruleset_id = missing.ruleset_id and statuses.supply_status = missing.supply_status
        and (indicators.indicator_code = missing.indicator_code or missing.indicator_code = '*')
where
    statuses.supply_status <> 'too_few_peers'
    or exists (
        from ruleset_rules as rules
        where
            rules.ruleset_id = indicators.ruleset_id and rules.indicator_code = indicators.indicator_code
            and rules.function = 'percentile_in_peer'
    )
