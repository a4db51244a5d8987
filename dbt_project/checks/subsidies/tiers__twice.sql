-- subsidy_tiers: ruleset_id, tier
-- 档名重复
-- duplicate row: the tier
select programme_id as ruleset_id, tier from subsidy_tiers group by all having count(*) > 1
