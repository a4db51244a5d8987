-- ruleset_indicators: ruleset_id, code
-- 指标代码在同一规则集中重复（不分大小写）
-- duplicate code in the rule set (case is ignored)
select ruleset_id, lower(indicator_code) as code from ruleset_indicators group by all having count(*) > 1
