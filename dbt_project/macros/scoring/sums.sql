{#- Whole millionths as a decimal of six digits. -#}
{% macro millionths(number) -%}
    cast(cast({{ number }} as decimal(18, 0)) * 0.000001 as decimal(18, 6))
{%- endmacro %}

{% macro sum_of_points(indicators) -%}
    cast(0{% for indicator in indicators %} + coalesce({{ indicator.column }}_points, 0){% endfor %} as bigint)
{%- endmacro %}

{#- What the indicators are out of, those that count or all of them; of those that stand for each other one. -#}
{% macro sum_of_maxima(indicators, is_mean, only_counted) -%}
    cast(0
    {%- set once = [] -%}
    {%- for indicator in indicators -%}
        {%- if is_mean %} + coalesce({{ indicator.column }}_maximum, 0)
        {%- elif only_counted %} + case when {{ indicator.column }}_points is not null then {{ stage_maximum(indicator) }} else 0 end
        {%- elif not indicator.best_of or indicator.best_of not in once %} + coalesce({{ stage_maximum(indicator) }}, 0)
            {%- do once.append(indicator.best_of) -%}
        {%- endif -%}
    {%- endfor %} as bigint)
{%- endmacro %}

{% macro stage_maximum(indicator) -%}
    {%- set maxima = {} -%}
    {%- for stage, card in indicator.stages.items() -%}{%- do maxima.update({stage: card.maximum | string}) -%}{%- endfor -%}
    {{- by_stage(indicator, maxima) -}}
{%- endmacro %}
