-- subsidy_programmes: ruleset_id
-- 没有补贴档
-- has no tier
select programme_id as ruleset_id from subsidy_programmes anti join subsidy_tiers using (programme_id)
