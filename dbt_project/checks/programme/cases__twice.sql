-- programme_cases: kind, item_id, version, case_no
-- 算例编号重复或缺失
-- the number of the case is missing, or the row is a duplicate
select kind, item_id, version, case_no from programme_cases
group by all having count(*) > 1 or case_no is null
