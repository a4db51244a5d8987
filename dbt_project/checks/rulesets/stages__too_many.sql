-- ruleset_stages: ruleset_id
-- 至多 99 个阶段
-- 99 stages at most
select ruleset_id from ruleset_stages group by ruleset_id having count(*) > 99
