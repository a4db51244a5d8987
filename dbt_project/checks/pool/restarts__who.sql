-- pool_restarts: ruleset_id, scope, party
-- 没有写明决定人、理由或来源
-- does not say who decided it, why, or where it comes from
select pool_id as ruleset_id, scope, party from pool_restarts
where
    coalesce(trim(decided_by), '') = ''
    or coalesce(trim(reason_zh), '') = ''
    or coalesce(trim(reason_en), '') = ''
    or coalesce(trim(provenance), '') = ''
