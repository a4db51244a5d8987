with landed as (
    select * from {{ source('science', 'torch_reports') }}
),

renamed as (
    select
        uscc,
        cast(fiscal_year as integer) as fiscal_year,
        cast(high_tech_product_revenue_cny as decimal(20, 2)) as high_tech_product_revenue_cny,
        cast(staff_total as bigint) as staff_total,
        cast(hnte_rd_expense_cny as decimal(20, 2)) as hnte_rd_expense_cny,
        cast(reported_on as date) as reported_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
