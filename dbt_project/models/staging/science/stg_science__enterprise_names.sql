with landed as (
    select * from {{ source('science', 'enterprise_names') }}
),

renamed as (
    select
        uscc,
        name as enterprise_name,
        cast(valid_from as date) as valid_from,
        cast(valid_to as date) as valid_to
    from landed
)

select * from renamed
