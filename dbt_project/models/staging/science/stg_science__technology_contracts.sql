with landed as (
    select * from {{ source('science', 'technology_contracts') }}
),

renamed as (
    select
        contract_no,
        seller_uscc as uscc,
        cast(turnover_cny as decimal(20, 2)) as turnover_cny,
        cast(registered_on as date) as registered_on,
        status,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
