-- programme_facts: fact
-- 出现两次，或与指标代码相同
-- duplicate row, or the code of an indicator
select fact from known_facts group by fact having count(*) > 1
