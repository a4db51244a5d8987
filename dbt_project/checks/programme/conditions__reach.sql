-- {file}: item_id, version, row_no, fact
-- 界限超出该事实可能的取值（数目不为负，得分和百分位为 0 至 100），或 near 不小于下限（金额和百分比可等于下限），0 也算接近
-- an edge is beyond what the fact can be (a count 0 or more, a score or percentile 0 to 100), or near is not below the lower edge (it may equal one of money or percent): 0 would be near
with edges as (
    select 'programme_conditions' as file, item_id, version, cast(condition_no as varchar) as row_no, fact, lo, hi, near
    from programme_conditions
    union all
    select file, product_id, version, lo_text, fact, lo, hi, null from bands where fact <> ''
)

select edges.* from edges
inner join programme_facts on edges.fact = programme_facts.fact
where
    -- A zone's own amounts and rates may be below 0 and above 100 percent: a profit, a growth.
    (least(lo, hi) < 0 and programme_facts.unit not in ('元', '%'))
    or (
        programme_facts.fact in ('score', 'core_score', 'local_score', 'percentile', 'percentile_in_stage')
        and (least(lo, hi) < 0 or greatest(lo, hi) > 100)
    )
    or (lo > 0 and (near > lo or (near = lo and programme_facts.unit not in ('元', '%'))))
