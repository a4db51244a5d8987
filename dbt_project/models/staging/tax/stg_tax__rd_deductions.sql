with landed as (
    select * from {{ source('tax', 'rd_deductions') }}
),

renamed as (
    select
        uscc,
        cast(fiscal_year as integer) as fiscal_year,
        cast(filed_on as date) as filed_on,
        cast(additional_deduction_cny as decimal(20, 2)) as additional_deduction_cny,
        cast(income_tax_rate_pct as decimal(5, 2)) as income_tax_rate_pct,
        cast(deductible_rd_cny as decimal(20, 2)) as deductible_rd_cny,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
