with landed as (
    select * from {{ source('science', 'recognised_products') }}
),

renamed as (
    select
        product_no,
        uscc,
        kind,
        cast(recognised_on as date) as recognised_on,
        cast(valid_to as date) as valid_to,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
