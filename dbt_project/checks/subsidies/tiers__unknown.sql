-- subsidy_tiers: ruleset_id, tier
-- 没有这个补贴办法
-- no such programme
select programme_id as ruleset_id, * from subsidy_tiers anti join subsidy_programmes using (programme_id)
