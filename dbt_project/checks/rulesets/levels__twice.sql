-- ruleset_levels: ruleset_id, indicator_code, level
-- 同一级别出现两次
-- duplicate row: the level
select ruleset_id, indicator_code, level from ruleset_levels group by all having count(*) > 1
