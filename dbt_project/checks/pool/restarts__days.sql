-- pool_restarts: ruleset_id, scope, party
-- 起止日期缺失或颠倒：恢复业务须有期限
-- a day is missing or they are reversed: a restart has an end
select pool_id as ruleset_id, scope, party from pool_restarts where coalesce(valid_to < valid_from, true)
