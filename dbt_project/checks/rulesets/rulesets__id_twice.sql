-- rulesets: ruleset_id
-- 规则集编号重复
-- the id stands twice
select ruleset_id from rulesets group by ruleset_id having count(*) > 1
