-- One row per eligible enterprise: for each indicator of the rule set in force its value, under its code in small letters, and
-- <code>_status, 0 or the number of the reason why there is none. From the column of an ind_ model whose name begins with the
-- code: no list of indicators is kept anywhere. Next: `indicator_values`.
-- depends_on: {{ ref('ruleset_inputs') }}, {{ ref('supply') }}, {{ ref('ruleset_in_force') }}, {{ ref('indicators') }}
{%- set measured = measured_columns() %}
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

{% for model in indicator_models() -%}
{{ model }} as (
    select * from {{ ref(model) }}
),

{% endfor -%}
joined as (
    select
        enterprises.uscc
        {%- for indicator in measured %}
        {%- if not indicator.is_supplied or indicator.name is none %},
        cast(null as decimal(18, 6)) as {{ indicator.code }},
        cast({{ 3 if indicator.is_supplied else 1 }} as tinyint) as {{ indicator.code }}_status
        {%- else %}
        {%- set figure = indicator.model ~ '.' ~ indicator.name %},
        -- No real figure exceeds a thousand milliard; one that does is cut to it and cannot stop the night.
        case
            when {{ figure }} between -999999999999 and 999999999999 then cast({{ figure }} as decimal(18, 6))
            when {{ figure }} > 0 then cast(999999999999 as decimal(18, 6))
            when {{ figure }} < 0 then cast(-999999999999 as decimal(18, 6))
        end as {{ indicator.code }},
        cast(
            case
                when {{ figure }} is not null then 0
                {%- if indicator.can_be_undefined %}
                when {{ indicator.model }}.{{ indicator.code }}_is_undefined then 4
                {%- endif %}
                {%- if indicator.partial %}
                when not ({{ indicator.partial | join(' and ') }}) then 2
                {%- endif %}
                else 3
            end as tinyint
        ) as {{ indicator.code }}_status
        {%- endif %}
        {%- endfor %}
    from enterprises
    {% for model in indicator_models() -%}
    left join {{ model }} on enterprises.enterprise_id = {{ model }}.enterprise_id
    {% endfor -%}
)

select * from joined
