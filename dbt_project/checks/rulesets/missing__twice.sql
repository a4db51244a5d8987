-- ruleset_missing: ruleset_id, indicator_code, supply_status
-- 同一情形规定了两次
-- duplicate row: the missing status
select ruleset_id, indicator_code, supply_status from ruleset_missing group by all having count(*) > 1
