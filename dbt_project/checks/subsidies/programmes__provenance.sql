-- subsidy_programmes: ruleset_id
-- 没有说明来源
-- does not say where it comes from
select programme_id as ruleset_id from subsidy_programmes where coalesce(provenance, '') = ''
