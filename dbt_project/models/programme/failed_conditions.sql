-- Which condition did not hold for whom, and by how much; of those whom everything lets in there is nothing to say.
with tried as (
    select * from {{ ref('conditions_tried') }}
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

failed as (
    select
        enterprises.uscc,
        tried.kind,
        tried.item_id,
        tried.version,
        tried.condition_no,
        tried.fact,
        tried.number,
        tried.text,
        tried.lo,
        tried.hi,
        tried.texts,
        tried.holds is null as is_not_known,
        tried.is_near,
        tried.gap,
        tried.closes_on,
        tried.text_zh,
        tried.text_en
    from tried
    inner join enterprises on tried.subject = enterprises.subject
    where tried.holds is not true
)

select * from failed
