with landed as (
    select * from {{ source('science', 'platforms') }}
),

renamed as (
    select
        platform_no,
        uscc,
        platform_name,
        level,
        cast(recognised_on as date) as recognised_on,
        cast(valid_to as date) as valid_to
    from landed
)

select * from renamed
