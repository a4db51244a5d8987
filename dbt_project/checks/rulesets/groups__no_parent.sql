-- ruleset_groups: ruleset_id, group_code, parent_code
-- 上级组不存在
-- no such parent group
from ruleset_groups as groups
anti join ruleset_groups as parents on groups.ruleset_id = parents.ruleset_id and groups.parent_code = parents.group_code
where parent_code is not null
