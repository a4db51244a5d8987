-- pool_terms: ruleset_id
-- 没有说明来源
-- does not say where it comes from
select pool_id as ruleset_id from pool_terms where coalesce(provenance, '') = ''
union all
select agreement_id as ruleset_id from pool_agreements where coalesce(provenance, '') = ''
