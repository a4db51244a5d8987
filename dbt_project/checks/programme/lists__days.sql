-- public_lists: list_id, version
-- 公示天数须为 1 至 365，并须写明受理异议的部门
-- publicity_days or decide_days is not between 1 and 365, or no department takes objections
from public_lists where coalesce(publicity_days, 0) not between 1 and 365 or objections_to is null
    or coalesce(decide_days, 0) not between 1 and 365
