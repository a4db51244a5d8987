with landed as (
    select * from {{ source('science', 'torch_reports') }}
),

renamed as (
    select
        uscc,
        cast(fiscal_year as integer) as fiscal_year,
        cast(high_tech_product_revenue_cny as decimal(20, 2)) as high_tech_product_revenue_cny,
        cast(reported_on as date) as reported_on
    from landed
)

select * from renamed
