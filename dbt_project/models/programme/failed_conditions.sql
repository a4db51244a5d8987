{{ config(materialized='view') }}

-- Which condition failed for which enterprise, and by how much; an item for which all conditions hold has no row. A view: it
-- is read once, when the edition is sealed.
with shortfalls as (
    select * from {{ ref('shortfalls') }}
),

conditions as (
    select * from {{ ref('conditions_asked') }}
),

items as (
    select * from {{ ref('item_versions') }}
    where is_in_force
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

failed as (
    select
        enterprises.uscc,
        conditions.kind,
        conditions.item_id,
        conditions.version,
        conditions.condition_no,
        conditions.fact,
        shortfalls.number,
        shortfalls.text,
        conditions.lo,
        conditions.hi,
        coalesce(conditions.one_of, conditions.none_of) as texts,
        shortfalls.is_not_known,
        shortfalls.gap <= conditions.near as is_near,
        shortfalls.gap,
        shortfalls.closes_on,
        conditions.text_zh,
        conditions.text_en
    from shortfalls
    inner join conditions on shortfalls.question_no = conditions.question_no
    inner join items on conditions.item_no = items.item_no
    inner join enterprises on shortfalls.subject_id = enterprises.enterprise_id
)

select * from failed
