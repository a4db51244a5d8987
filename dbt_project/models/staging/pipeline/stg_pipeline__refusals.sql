with landed as (
    select * from {{ source('pipeline', 'refusals') }}
),

renamed as (
    select
        source,
        dataset,
        uscc,
        name as enterprise_name,
        cast(records as bigint) as record_count
    from landed
)

select * from renamed
