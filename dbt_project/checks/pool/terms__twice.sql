-- pool_terms: ruleset_id
-- 编号重复
-- the id stands there twice
select pool_id as ruleset_id from pool_terms group by pool_id having count(*) > 1
