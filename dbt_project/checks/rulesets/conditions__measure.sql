-- ruleset_conditions: ruleset_id, condition_code, measure
-- measure 须为 score、points_total、points:代码 或 value:代码，且代码存在
-- measure must be score, points_total, points:CODE or value:CODE of a code that exists
from ruleset_conditions as conditions
anti join ruleset_indicators as indicators
    on
        conditions.ruleset_id = indicators.ruleset_id
        and conditions.measure in ('points:' || indicators.indicator_code, 'value:' || indicators.indicator_code)
where coalesce(measure, '') not in ('score', 'points_total')
