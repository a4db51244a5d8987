{%- set lineage = ['learned_on', 'raw_sha256', 'raw_position'] -%}
with applications as (
    {{ landed('patent', 'applications') }}
),

pct_applications as (
    {{ landed('patent', 'pct_applications') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'patent' and uscc is not null
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

published as (
    select
        'C05' as indicator_code,
        'applications' as dataset,
        application_no,
        record_no,
        ipc,
        filed_on,
        learned_on,
        raw_sha256,
        raw_position
    from applications
    where patent_type = '发明'
    union all
    select
        'C06' as indicator_code,
        'pct_applications' as dataset,
        international_no as application_no,
        record_no,
        ipc,
        international_filed_on as filed_on,
        learned_on,
        raw_sha256,
        raw_position
    from pct_applications
),

-- An office that publishes an application twice has not made two of it; joint applicants have one each.
filed as (
    select
        mentions.uscc,
        published.indicator_code,
        published.dataset,
        published.application_no,
        -- The subclass is the first four characters of an IPC symbol: G06F of "G06F 17/30".
        -- A later record without one does not take it back.
        {{ latest_value(
            'upper(substring(trim(published.ipc), 1, 4))', 'published.record_no', 'published.ipc is not null'
        ) }} as ipc_subclass,
        {{ latest_value('published.filed_on', 'published.record_no', 'published.filed_on is not null') }} as filed_on,
        {% for column in lineage %}
            {{ latest_value('published.' ~ column, 'published.record_no', 'true') }} as {{ column }},
        {% endfor %}
        cast(max(published.record_no) as varchar) as record_ref
    from published
    inner join mentions
        on published.dataset = mentions.dataset and cast(published.record_no as varchar) = mentions.record_ref
    group by mentions.uscc, published.indicator_code, published.dataset, published.application_no
),

related_patents as (
    select
        filed.uscc,
        filed.indicator_code,
        'patent' as source,
        filed.dataset,
        filed.record_ref,
        filed.filed_on as dated_on,
        filed.learned_on,
        cast(1 as decimal(20, 6)) as quantity,
        filed.ipc_subclass as level,
        filed.raw_sha256,
        filed.raw_position
    from filed
    inner join in_force on filed.filed_on between in_force.year_start_on and in_force.year_end_on
    inner join scopes on filed.uscc = scopes.uscc and filed.ipc_subclass = scopes.ipc_subclass
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
