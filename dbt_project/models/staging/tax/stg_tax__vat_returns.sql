with landed as (
    select * from {{ source('tax', 'vat_returns') }}
),

renamed as (
    select
        uscc,
        cast(period_end as date) as period_end,
        cast(sales_cny as decimal(20, 2)) as sales_cny,
        cast(exempt_sales_cny as decimal(20, 2)) as exempt_sales_cny,
        cast(tax_payable_cny as decimal(20, 2)) as tax_payable_cny,
        cast(filed_on as date) as filed_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
