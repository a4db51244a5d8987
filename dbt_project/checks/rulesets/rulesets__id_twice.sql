-- rulesets: ruleset_id
-- 规则集编号重复
-- duplicate row: the id
select ruleset_id from rulesets group by ruleset_id having count(*) > 1
