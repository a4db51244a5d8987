{{ config(materialized='view') }}

-- What was found of each condition on each enterprise and case, beside the condition itself.
with judged as (
    select * from {{ ref('conditions_judged') }}
),

conditions as (
    select * from {{ ref('conditions_asked') }}
),

tried as (
    select
        judged.subject,
        conditions.kind,
        conditions.item_id,
        conditions.version,
        conditions.condition_no,
        conditions.fact,
        conditions.lo,
        conditions.hi,
        coalesce(conditions.one_of, conditions.none_of) as texts,
        judged.number,
        judged.text,
        judged.holds,
        judged.gap,
        judged.is_near,
        judged.closes_on,
        conditions.text_zh,
        conditions.text_en
    from judged
    inner join conditions on judged.item_no = conditions.item_no and judged.condition_no = conditions.condition_no
)

select * from tried
