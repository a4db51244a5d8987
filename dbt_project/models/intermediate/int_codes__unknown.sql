{#- Every dataset that names an enterprise by its code, and the agency that sends it. -#}
{%- set keyed_by_code = [
    ('tax', 'statements'),
    ('tax', 'rd_deductions'),
    ('credit', 'evaluations'),
    ('credit', 'events'),
    ('bank_a', 'loans'),
    ('bank_b', 'loans'),
    ('science', 'enterprise_names'),
    ('science', 'enterprise_identifiers'),
    ('science', 'business_scopes'),
    ('science', 'torch_reports'),
    ('science', 'technology_contracts'),
    ('science', 'platforms'),
    ('science', 'projects'),
    ('science', 'venture_investments'),
    ('science', 'consents'),
] -%}
with enterprises as (
    select * from {{ ref('stg_science__enterprises') }}
),

codes as (
    {% for source_name, dataset in keyed_by_code %}
        select
            '{{ source_name }}' as source,
            '{{ dataset }}' as dataset,
            uscc as identifier,
            count(*) as record_count
        from {{ ref('stg_' ~ source_name ~ '__' ~ dataset) }}
        where uscc is not null
        group by uscc
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

unknown_codes as (
    select codes.*
    from codes
    left join enterprises on codes.identifier = enterprises.uscc
    where enterprises.uscc is null
)

select * from unknown_codes
