-- ruleset_stages: ruleset_id, stage
-- 阶段重复
-- duplicate row: the stage
select ruleset_id, stage from ruleset_stages group by all having count(*) > 1
