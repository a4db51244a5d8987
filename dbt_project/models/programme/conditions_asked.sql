-- The conditions with numbers. Those with the same test of the same fact share a question, which is evaluated once for all
-- enterprises; alternatives share the number of their first one.
with conditions as (
    select * from {{ ref('programme_conditions') }}
),

items as (
    select * from {{ ref('item_versions') }}
),

numbered as (
    select
        items.item_no,
        conditions.*,
        cast(
            dense_rank() over (
                order by
                    conditions.fact,
                    conditions.lo,
                    conditions.inclusive_lo,
                    conditions.hi,
                    conditions.inclusive_hi,
                    conditions.one_of,
                    conditions.none_of
            ) as integer
        ) as question_no,
        cast(
            min(conditions.condition_no) over (
                partition by items.item_no, coalesce(conditions.any_of, 'no ' || cast(conditions.condition_no as varchar))
            ) as integer
        ) as alternatives_no
    from conditions
    inner join items
        on
            conditions.kind = items.kind
            and conditions.item_id = items.item_id
            and conditions.version = items.version
),

counted as (
    select
        *,
        count(*) over (partition by item_no, alternatives_no) as alternatives
    from numbered
)

select * from counted
