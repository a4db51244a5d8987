{#-
    The one wide table that is scored: every eligible enterprise, every indicator of the rule set in force, with the reason
    where there is no value. No list of indicators is kept anywhere: columns are found by the code they begin with.
-#}
-- depends_on: {{ ref('int_inputs__supplied') }}, {{ ref('indicators') }}
{%- set measured = measured_columns() %}
{%- set partial = partial_inputs(measured) %}
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

supplied_records as (
    select * from {{ ref('int_supply__records') }}
),

{% for model in indicator_models() -%}
{{ model }} as (
    select * from {{ ref(model) }}
),

{% endfor -%}
-- One number for all the datasets that do not cover everybody, a binary digit for each: asking every record by name for each
-- of them is four times as dear.
records as (
    select
        uscc,
        {% set place -%}
            case
                when uscc is null then 0
                {%- for input in partial %}
                when source = '{{ input.source }}' and dataset = '{{ input.dataset }}' and years_back = {{ input.years_back }}
                    then {{ 2 ** loop.index0 }}
                {%- endfor %}
                else 0
            end
        {%- endset -%}
        {{ any_bits(place) }} as held
    from supplied_records
    group by uscc
),

joined as (
    select
        enterprises.uscc
        {%- for indicator in measured %}
        {%- if not indicator.is_supplied or indicator.name is none %},
        cast(null as decimal(18, 6)) as {{ indicator.code }},
        cast({{ 3 if indicator.is_supplied else 1 }} as tinyint) as {{ indicator.code }}_status
        {%- else %},
        -- No real figure is beyond a thousand milliard; one that is stays at the edge and cannot stop the night.
        {{ within_edges(indicator.model ~ '.' ~ indicator.name) }} as {{ indicator.code }},
        cast(
            case
                when {{ indicator.model }}.{{ indicator.name }} is not null then 0
                {%- if indicator.can_be_undefined %}
                when {{ indicator.model }}.{{ indicator.code }}_is_undefined then 4
                {%- endif %}
                {%- if indicator.partial %}
                when
                    records.held is null
                    {%- for input in indicator.partial %} or {{ lacks_bit('records.held', partial.index(input)) }}{% endfor %}
                    then 2
                {%- endif %}
                else 3
            end as tinyint
        ) as {{ indicator.code }}_status
        {%- endif %}
        {%- endfor %}
    from enterprises
    {% for model in indicator_models() -%}
    left join {{ model }} on enterprises.uscc = {{ model }}.uscc
    {% endfor -%}
    left join records on enterprises.uscc = records.uscc
)

select * from joined
