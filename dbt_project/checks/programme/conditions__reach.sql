-- {file}: item_id, version, row_no, fact
-- 界限超出该事实可能的取值（不为负，百分比至 100），或 near 大于下限
-- an edge is beyond what the fact can be (0 or more, 100 at most in percent), or near is more than the lower edge
with edges as (
    select 'programme_conditions' as file, item_id, version, cast(condition_no as varchar) as row_no, fact, lo, hi, near
    from programme_conditions
    union all
    select file, product_id, version, lo_text, fact, lo, hi, null from bands where fact <> ''
)

select edges.* from edges
inner join programme_facts on edges.fact = programme_facts.fact
where
    least(lo, hi) < 0
    or (programme_facts.unit = '%' and greatest(lo, hi) > 100)
    or (lo > 0 and near > lo)
