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

inventions as (
    select
        mentions.uscc,
        'invention' as route,
        applications.application_no,
        applications.record_no,
        applications.ipc,
        applications.filed_on,
        applications.learned_on,
        applications.raw_sha256,
        applications.raw_position
    from applications
    inner join mentions
        on mentions.dataset = 'applications' and cast(applications.record_no as varchar) = mentions.record_ref
    where applications.patent_type = '发明'
),

international as (
    select
        mentions.uscc,
        'pct' as route,
        pct_applications.international_no as application_no,
        pct_applications.record_no,
        pct_applications.ipc,
        pct_applications.international_filed_on as filed_on,
        pct_applications.learned_on,
        pct_applications.raw_sha256,
        pct_applications.raw_position
    from pct_applications
    inner join mentions
        on mentions.dataset = 'pct_applications' and cast(pct_applications.record_no as varchar) = mentions.record_ref
),

matched as (
    select * from inventions
    union all
    select * from international
),

-- An office that publishes an application twice has not made two of it.
distinct_applications as (
    select
        uscc,
        route,
        application_no,
        -- The subclass is the first four characters of an IPC symbol: G06F of "G06F 17/30".
        max(upper(substring(trim(ipc), 1, 4))) as ipc_subclass,
        max(filed_on) as filed_on,
        {% for column in lineage %}
            {{ latest_value(column, 'record_no', 'true') }} as {{ column }},
        {% endfor %}
        max(record_no) as record_no
    from matched
    group by uscc, route, application_no
)

select * from distinct_applications
