-- subsidy_programmes: ruleset_id
-- 编号重复
-- duplicate row: the id
select programme_id as ruleset_id from subsidy_programmes group by programme_id having count(*) > 1
