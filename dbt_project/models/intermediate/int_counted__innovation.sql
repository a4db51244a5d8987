with patents as (
    select * from {{ ref('int_patents__matched') }}
),

scopes as (
    select * from {{ ref('int_scopes__declared') }}
),

contracts as (
    {{ landed('science', 'technology_contracts') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

related_patents as (
    select
        patents.uscc,
        case when patents.route = 'invention' then 'C05' else 'C06' end as indicator_code,
        'patent' as source,
        case when patents.route = 'invention' then 'applications' else 'pct_applications' end as dataset,
        cast(patents.record_no as varchar) as record_ref,
        patents.filed_on as dated_on,
        patents.learned_on,
        cast(1 as decimal(20, 6)) as quantity,
        patents.ipc_subclass as level,
        patents.raw_sha256,
        patents.raw_position
    from patents
    inner join in_force on patents.filed_on between in_force.year_start_on and in_force.year_end_on
    inner join scopes on patents.uscc = scopes.uscc and patents.ipc_subclass = scopes.ipc_subclass
),

registered_contracts as (
    select
        coalesce(redirected.uscc, contracts.seller_uscc) as uscc,
        'C07' as indicator_code,
        {{ counted_record(
            'contracts', 'science', 'technology_contracts', 'contracts.contract_no', 'contracts.registered_on',
            quantity=to_wan_cny('contracts.turnover_cny')
        ) }}
    from contracts
    inner join in_force on contracts.registered_on between in_force.year_start_on and in_force.year_end_on
    left join redirected on contracts.seller_uscc = redirected.code
    where contracts.status = 'registered'
),

counted as (
    select * from related_patents
    union all
    select * from registered_contracts
)

select * from counted
