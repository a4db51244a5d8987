-- programme_cases: kind, item_id, version, case_no, fact
-- 同一事实写了两次
-- duplicate statement of a fact
select kind, item_id, version, case_no, trim(split_part(statement, '=', 1)) as fact from stated_facts
group by all having count(*) > 1
