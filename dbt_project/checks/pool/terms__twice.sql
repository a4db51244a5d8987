-- pool_terms: ruleset_id
-- 编号重复
-- duplicate row: the id
select pool_id as ruleset_id from pool_terms group by pool_id having count(*) > 1
