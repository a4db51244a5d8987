with landed as (
    select * from {{ source('tax', 'arrears') }}
),

renamed as (
    select
        arrears_no,
        uscc,
        tax_kind,
        cast(balance_cny as decimal(20, 2)) as balance_cny,
        cast(announced_on as date) as announced_on,
        cast(cleared_on as date) as cleared_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
