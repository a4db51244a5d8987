with vat_returns as (
    select * from {{ ref('stg_tax__vat_returns') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

corrected as (
    select
        vat_returns.uscc,
        vat_returns.period_end,
        {{ latest_value('vat_returns.sales_cny', 'vat_returns.filed_on', 'true') }} as sales_cny
    from vat_returns
    inner join in_force
        on
            vat_returns.period_end between in_force.year_start_on and in_force.year_end_on
            and vat_returns.filed_on <= in_force.as_of
    group by vat_returns.uscc, vat_returns.period_end
),

-- A branch files this tax where it is: its sales are in its legal person's revenue.
summed as (
    select
        coalesce(redirected.uscc, corrected.uscc) as uscc,
        case
            when count(*) = count(corrected.sales_cny) then cast(sum(corrected.sales_cny) as decimal(20, 2))
        end as sales_cny
    from corrected
    left join redirected on corrected.uscc = redirected.code
    group by coalesce(redirected.uscc, corrected.uscc)
)

select * from summed
