with landed as (
    select * from {{ source('science', 'enterprise_identifiers') }}
),

renamed as (
    select
        uscc,
        scheme,
        identifier
    from landed
)

select * from renamed
