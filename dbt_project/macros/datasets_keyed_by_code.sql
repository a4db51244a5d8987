{#-
    Every dataset that names an enterprise by its code, as (source, dataset): what the review list looks for codes in, and where
    a person may decide one. A new one of an agency is added here.
-#}
{% macro datasets_keyed_by_code() %}
    {{- return([
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
    ]) -}}
{% endmacro %}

{#- Whether a decision, or whatever else has a source and a dataset, is of one that is keyed by code. -#}
{% macro is_keyed_by_code(relation) -%}
    {{ relation }}.source || '.' || {{ relation }}.dataset in (
        {%- for source_name, dataset in datasets_keyed_by_code() %}
            '{{ source_name }}.{{ dataset }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#- Every code that came, and on how many records, as rows of (source, dataset, identifier, record_count). -#}
{% macro codes_sent() -%}
    {%- for source_name, dataset in datasets_keyed_by_code() %}
        select
            '{{ source_name }}' as source,
            '{{ dataset }}' as dataset,
            uscc as identifier,
            count(*) as record_count
        from {{ ref('stg_' ~ source_name ~ '__' ~ dataset) }}
        where uscc is not null
        group by uscc
        {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
