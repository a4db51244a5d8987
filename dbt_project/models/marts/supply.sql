with supply as (
    select * from {{ ref('stg_pipeline__supply') }}
)

select * from supply
