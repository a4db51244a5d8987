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
        {%- elif only_counted %} + case when {{ indicator.column }}_points is not null then {{ stage_figure(indicator, 'maximum') }} else 0 end
        {%- elif not indicator.best_of or indicator.best_of not in once %} + coalesce({{ stage_figure(indicator, 'maximum') }}, 0)
            {%- do once.append(indicator.best_of) -%}
        {%- endif -%}
    {%- endfor %} as bigint)
{%- endmacro %}

{#-
    How much of all there is to assess could be assessed. Points say it themselves; a weighted mean is out of its scale whatever is
    missing, so each indicator that counts brings what it would be worth if nothing were.
-#}
{% macro sum_of_assessable(indicators, is_mean) -%}
    {%- if is_mean -%}
        {%- set tree = group_tree(indicators) -%}
        cast(0{% for indicator in indicators %} + case when {{ indicator.column }}_points is not null then {{ by_stage(indicator, whole_parts(indicator, tree)) }} else 0 end{% endfor %} as bigint)
    {%- else -%}
        {{- sum_of_maxima(indicators, is_mean, only_counted=true) -}}
    {%- endif -%}
{%- endmacro %}

{#- An indicator's part of the scale, in millionths and by stage, where nothing is missing. -#}
{% macro whole_parts(indicator, tree) -%}
    {%- set parts = {} -%}
    {%- for stage, card in indicator.stages.items() -%}
        {%- set part = namespace(above=tree.scale * card.weight, below=1, group=none) -%}
        {%- for group in tree.downwards if indicator in group.indicators -%}
            {%- set weights = namespace(sum=0) -%}
            {%- for other in group.indicators -%}{%- set weights.sum = weights.sum + other.stages[stage].weight -%}{%- endfor -%}
            {%- set part.below = weights.sum -%}
            {%- set part.group = group -%}
        {%- endfor -%}
        {%- for group in tree.upwards -%}
            {%- if part.group in group.children -%}
                {%- set part.above = part.above * part.group.weight -%}
                {%- set part.below = part.below * (group.children | sum(attribute='weight')) -%}
                {%- set part.group = group -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do parts.update({stage: ((2 * part.above + part.below) // (2 * part.below) if part.below else 0) | string}) -%}
    {%- endfor -%}
    {{- return(parts) -}}
{%- endmacro %}
