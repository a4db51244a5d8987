-- ruleset_missing: ruleset_id, indicator_code, supply_status
-- 同一情形规定了两次
-- the same case is treated twice
select ruleset_id, indicator_code, supply_status from ruleset_missing group by all having count(*) > 1
