with landed as (
    select * from {{ source('science', 'venture_investments') }}
),

renamed as (
    select
        investment_no,
        uscc,
        cast(paid_in_cny as decimal(20, 2)) as paid_in_cny,
        cast(paid_in_on as date) as paid_in_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
