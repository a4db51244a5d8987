-- Whom the scoring is about. Within it an enterprise is a whole number, which is joined and sorted faster than its code; an
-- unknown stage is '', so that it can be joined by.
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

numbered as (
    select
        cast(row_number() over (order by uscc) as integer) as enterprise_id,
        uscc,
        coalesce(stage, '') as stage,
        industry_code
    from enterprises
)

select * from numbered
