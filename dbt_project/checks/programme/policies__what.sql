-- policies: policy_id, version
-- procedure 须为 no_application、fast_application 或 special，确认天数须为正
-- procedure must be no_application, fast_application or special, with a day or more to confirm and a channel
from policies
where coalesce(procedure, '') not in ('no_application', 'fast_application', 'special') or coalesce(confirm_days, 0) not between 1 and 3650
    or channel is null or department is null or benefit_zh is null or benefit_en is null
