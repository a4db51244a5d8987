with landed as (
    select * from {{ source('tax', 'statements') }}
),

renamed as (
    select
        uscc,
        taxpayer_name,
        cast(fiscal_year as integer) as fiscal_year,
        cast(filed_on as date) as filed_on,
        cast(operating_revenue_cny as decimal(20, 2)) as operating_revenue_cny,
        cast(operating_cost_cny as decimal(20, 2)) as operating_cost_cny,
        cast(rd_expense_cny as decimal(20, 2)) as rd_expense_cny,
        cast(net_profit_cny as decimal(20, 2)) as net_profit_cny,
        cast(current_assets_cny as decimal(20, 2)) as current_assets_cny,
        cast(noncurrent_assets_cny as decimal(20, 2)) as noncurrent_assets_cny,
        cast(current_liabilities_cny as decimal(20, 2)) as current_liabilities_cny,
        cast(noncurrent_liabilities_cny as decimal(20, 2)) as noncurrent_liabilities_cny,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
