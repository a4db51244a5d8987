with explained as (
    select * from {{ ref('explained') }}
)

select * from explained
