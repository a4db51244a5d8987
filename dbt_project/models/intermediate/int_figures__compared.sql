with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

deductions as (
    select * from {{ ref('int_deductions__latest') }}
),

torch_reports as (
    select * from {{ ref('int_torch__reported') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

grades as (
    select * from {{ ref('int_grades__latest') }}
),

vat_returns as (
    {{ landed('tax', 'vat_returns') }}
),

arrears as (
    {{ landed('tax', 'arrears') }}
),

social_security as (
    {{ landed('talent', 'social_security') }}
),

units as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and dataset = 'social_security' and uscc is not null
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

vat_returns_as_corrected as (
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
vat as (
    select
        coalesce(redirected.uscc, corrected.uscc) as uscc,
        case
            when count(*) = count(corrected.sales_cny) then cast(sum(corrected.sales_cny) as decimal(20, 2))
        end as sales_cny
    from vat_returns_as_corrected as corrected
    left join redirected on corrected.uscc = redirected.code
    group by coalesce(redirected.uscc, corrected.uscc)
),

insured_by_unit as (
    select
        insured.unit_no,
        {{ latest_value('insured.insured_count', 'insured.month', 'true') }} as insured_count
    from social_security as insured
    inner join in_force
        on insured.month >= in_force.december_start_on and insured.month <= in_force.year_end_on
    group by insured.unit_no
),

insured as (
    select
        units.uscc,
        case
            when count(*) = count(december.insured_count) then cast(sum(december.insured_count) as bigint)
        end as insured_count
    from insured_by_unit as december
    inner join units on december.unit_no = units.record_ref
    group by units.uscc
),

-- Tax announced as owed and not paid by the business date, what a branch owes with what its legal person does.
open_arrears as (
    select
        coalesce(redirected.uscc, arrears.uscc) as uscc,
        count(*) as announcement_count,
        cast(sum(arrears.balance_cny) as decimal(20, 2)) as balance_cny
    from arrears
    inner join in_force
        on
            arrears.announced_on <= in_force.as_of
            and (arrears.cleared_on is null or arrears.cleared_on > in_force.as_of)
    left join redirected on arrears.uscc = redirected.code
    where arrears.balance_cny > 0
    group by coalesce(redirected.uscc, arrears.uscc)
),

figures as (
    select
        enterprises.uscc,
        filings.operating_revenue_cny,
        filings.rd_expense_cny,
        torch_reports.hnte_rd_expense_cny,
        torch_reports.high_tech_product_revenue_cny,
        deductions.deductible_rd_cny,
        deductions.additional_deduction_cny,
        vat.sales_cny,
        headcounts.staff_total,
        insured.insured_count,
        grades.grade as tax_grade,
        open_arrears.announcement_count as arrears_count,
        open_arrears.balance_cny as arrears_cny
    from enterprises
    left join filings on enterprises.uscc = filings.uscc
    left join deductions on enterprises.uscc = deductions.uscc
    left join torch_reports on enterprises.uscc = torch_reports.uscc
    left join vat on enterprises.uscc = vat.uscc
    left join headcounts on enterprises.uscc = headcounts.uscc
    left join insured on enterprises.uscc = insured.uscc
    left join grades on enterprises.uscc = grades.uscc
    left join open_arrears on enterprises.uscc = open_arrears.uscc
)

select * from figures
