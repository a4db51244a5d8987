-- rulesets: ruleset_id
-- 状态须为 active、draft 或 retired
-- status must be active, draft or retired
from rulesets where coalesce(status, '') not in ('active', 'draft', 'retired')
