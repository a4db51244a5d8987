-- pool_sharing: ruleset_id, band
-- 档名重复
-- duplicate row: the band
select agreement_id as ruleset_id, band from pool_sharing group by all having count(*) > 1
