-- pool_agreements: ruleset_id
-- 编号重复
-- duplicate row: the id
select agreement_id as ruleset_id from pool_agreements group by agreement_id having count(*) > 1
