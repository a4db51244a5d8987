-- pool_terms: ruleset_id
-- 有效期缺失或颠倒
-- valid_from is missing, or after valid_to
select pool_id as ruleset_id from pool_terms where valid_from is null or valid_to < valid_from
