-- ruleset_groups: ruleset_id, group_code
-- 组未连到总分（成环或过深）
-- the group is not connected to the total: a cycle, or more than eight levels deep
with recursive hung as (
    select ruleset_id, group_code, 1 as depth from ruleset_groups where parent_code is null
    union
    select groups.ruleset_id, groups.group_code, depth + 1
    from ruleset_groups as groups
    inner join hung on groups.ruleset_id = hung.ruleset_id and groups.parent_code = hung.group_code
    where depth < 8
)

from ruleset_groups anti join hung using (ruleset_id, group_code)
