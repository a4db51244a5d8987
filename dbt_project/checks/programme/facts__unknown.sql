-- {file}: item_id, version, row_no, fact
-- 不是已知事实，也不是指标代码
-- neither a fact of programme_facts nor the code of an indicator
select file, item_id, version, row_no, coalesce(fact, '') as fact from named_facts
where coalesce(fact, '') not in (select fact from known_facts)
