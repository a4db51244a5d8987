-- programme_cases: kind, item_id, version, case_no, fact
-- 同一事实写了两次
-- a fact is stated twice
select kind, item_id, version, case_no, trim(split_part(statement, '=', 1)) as fact from stated_facts
group by all having count(*) > 1
