{#- Every dataset that names an enterprise by its code, and the agency that sends it. -#}
{%- set keyed_by_code = [
    ('tax', 'statements'),
    ('tax', 'rd_deductions'),
    ('tax', 'vat_returns'),
    ('tax', 'credit_grades'),
    ('tax', 'arrears'),
    ('credit', 'evaluations'),
    ('credit', 'events'),
    ('bank_a', 'loans'),
    ('bank_b', 'loans'),
    ('science', 'enterprise_names'),
    ('science', 'enterprise_identifiers'),
    ('science', 'enterprise_states'),
    ('science', 'business_scopes'),
    ('science', 'torch_reports'),
    ('science', 'technology_contracts'),
    ('science', 'platforms'),
    ('science', 'projects'),
    ('science', 'venture_investments'),
    ('science', 'cooperations'),
    ('science', 'recognised_products'),
    ('science', 'titles'),
    ('science', 'consents'),
] -%}
with resolved as (
    select * from {{ ref('int_codes__resolved') }}
),

decisions as (
    select * from {{ ref('stg_pipeline__identity_decisions') }}
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
    left join resolved on codes.identifier = resolved.code
    left join decisions
        on
            codes.source = decisions.source
            and codes.dataset = decisions.dataset
            and codes.identifier = decisions.identifier
            and decisions.uscc is null
    where resolved.code is null and decisions.identifier is null
)

select * from unknown_codes
