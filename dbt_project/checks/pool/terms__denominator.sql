-- pool_terms: ruleset_id, npl_denominator
-- 不良率分母不在可选值内
-- the denominator is none of those that are known
select pool_id as ruleset_id, * from pool_terms
where coalesce(npl_denominator, '') not in ('principal_entered_this_year', 'balance')
