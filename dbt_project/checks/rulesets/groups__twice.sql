-- ruleset_groups: ruleset_id, group_code
-- 组重复
-- duplicate row: the group
select ruleset_id, group_code from ruleset_groups group by all having count(*) > 1
