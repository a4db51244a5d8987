-- programme_conditions: kind, item_id, version, condition_no
-- 条件编号重复或缺失
-- the number of the condition is missing, or the row is a duplicate
select kind, item_id, version, condition_no from programme_conditions
group by all having count(*) > 1 or condition_no is null
