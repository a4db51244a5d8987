with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

patents as (
    select * from {{ ref('int_patents__matched') }}
),

scopes as (
    select * from {{ ref('stg_science__business_scopes') }}
),

contracts as (
    select * from {{ ref('stg_science__technology_contracts') }}
),

supply as (
    select * from {{ ref('stg_pipeline__supply') }}
),

declared as (
    select distinct uscc from scopes
),

related_patents as (
    select
        patents.uscc,
        sum(case when patents.route = 'invention' then 1 else 0 end) as inventions,
        sum(case when patents.route = 'pct' then 1 else 0 end) as pct_applications
    from patents
    inner join in_force on patents.filed_on between in_force.year_start_on and in_force.year_end_on
    inner join scopes on patents.uscc = scopes.uscc and patents.ipc_subclass = upper(trim(scopes.ipc_subclass))
    group by patents.uscc
),

registered_contracts as (
    select
        contracts.uscc,
        sum(contracts.turnover_cny) as turnover_cny
    from contracts
    inner join in_force on contracts.registered_on between in_force.year_start_on and in_force.year_end_on
    where contracts.status = 'registered'
    group by contracts.uscc
),

joined as (
    select
        enterprises.uscc,
        enterprises.reporting_year,
        enterprises.is_young,
        filings.rd_expense_cny,
        filings.prior_rd_expense_cny,
        filings.operating_revenue_cny,
        headcounts.sci_tech_staff,
        headcounts.staff_total,
        declared.uscc is not null as has_declared_scope,
        coalesce(related_patents.inventions, {{ absent_means('patent', 'applications') }}) as inventions,
        coalesce(related_patents.pct_applications, {{ absent_means('patent', 'pct_applications') }}) as pct_applications,
        coalesce(registered_contracts.turnover_cny, {{ absent_means('science', 'technology_contracts') }}) as turnover_cny
    from enterprises
    left join filings on enterprises.uscc = filings.uscc
    left join headcounts on enterprises.uscc = headcounts.uscc
    left join declared on enterprises.uscc = declared.uscc
    left join related_patents on enterprises.uscc = related_patents.uscc
    left join registered_contracts on enterprises.uscc = registered_contracts.uscc
),

-- Undefined is said only of figures that are there: where one is missing, that is the reason to give.
judged as (
    select
        *,
        is_young or coalesce(rd_expense_cny is not null and prior_rd_expense_cny <= 0, false) as c02_is_undefined,
        coalesce(rd_expense_cny is not null and operating_revenue_cny <= 0, false) as c03_is_undefined,
        coalesce(sci_tech_staff is not null and staff_total <= 0, false) as c04_is_undefined
    from joined
),

measured as (
    select
        uscc,
        reporting_year,
        {{ to_wan_cny('rd_expense_cny') }} as c01_rd_expense_wan_cny,
        case
            when not c02_is_undefined
                then {{ exact_ratio('rd_expense_cny - prior_rd_expense_cny', 'prior_rd_expense_cny', times=100) }}
        end as c02_rd_growth_pct,
        c02_is_undefined,
        case
            when not c03_is_undefined then {{ exact_ratio('rd_expense_cny', 'operating_revenue_cny', times=100) }}
        end as c03_rd_intensity_pct,
        c03_is_undefined,
        case
            when not c04_is_undefined then {{ exact_ratio('sci_tech_staff', 'staff_total', times=100) }}
        end as c04_sci_tech_staff_share_pct,
        c04_is_undefined,
        -- Without a declared main business nobody can say which applications are related to it.
        case when has_declared_scope then cast(inventions as decimal(20, 6)) end as c05_related_inventions_count,
        case when has_declared_scope then cast(pct_applications as decimal(20, 6)) end as c06_related_pct_count,
        {{ to_wan_cny('turnover_cny') }} as c07_contract_turnover_wan_cny
    from judged
)

select * from measured
