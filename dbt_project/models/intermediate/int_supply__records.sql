{#- Where a dataset that does not cover everybody shows whose record it has: relation, flag where there is one, years back. -#}
{%- set holdings = [
    ('tax', 'statements', 0, 'int_filings__latest', 'has_filing'),
    ('tax', 'statements', 1, 'int_filings__latest', 'has_prior_filing'),
    ('tax', 'credit_grades', 0, 'int_grades__latest', none),
    ('talent', 'headcounts', 0, 'int_headcounts__december', 'has_record'),
    ('talent', 'headcounts', 1, 'int_headcounts__december', 'has_prior_record'),
    ('credit', 'evaluations', 0, 'int_evaluations__latest', none),
    ('science', 'torch_reports', 0, 'int_torch__reported', none),
    ('science', 'business_scopes', 0, 'int_scopes__declared', none),
] -%}
with records as (
    {% for source_name, dataset, years_back, relation, flag in holdings %}
        select {{ 'distinct' if relation == 'int_scopes__declared' }}
            uscc,
            '{{ source_name }}' as source,
            '{{ dataset }}' as dataset,
            {{ years_back }} as years_back
        from {{ ref(relation) }}
        {% if flag %}where {{ flag }}{% endif %}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from records
