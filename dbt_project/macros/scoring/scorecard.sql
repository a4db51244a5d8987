{#-
    The rule set in force as the scoring models compile it: a list of indicators in order, each with its code, column, position,
    treatments by status number, and per stage its weight, deduction, maximum (millionths of a point) and segments.
    Rules are rows; read once when a model compiles, they become one pass over wide rows. A join of 40 values per enterprise
    with the ranges of the rules costs five times as much.
-#}
{% macro scorecard() %}
    {{- return(adapter.dispatch('scorecard', 'jifen')()) -}}
{% endmacro %}

{% macro default__scorecard() %}
    {%- set indicators = [] -%}
    {%- set by_code = {} -%}
    {%- if execute -%}
        {%- for row in run_query('select * from ' ~ ref('scorecard_lines') ~ ' order by position, stage, segment') -%}
            {%- if row.indicator_code not in by_code -%}
                {%- do by_code.update({row.indicator_code: {
                    'code': row.indicator_code, 'column': row.indicator_code | lower, 'position': row.position | int,
                    'function': row.function, 'best_of': row.best_of, 'class': row['class'], 'module': row.module,
                    'peer_by': row.peer_by, 'minimum_peers': (row.minimum_peers or 0) | int,
                    'stages': {}, 'treatments': {},
                }}) -%}
                {%- do indicators.append(by_code[row.indicator_code]) -%}
            {%- endif -%}
            {%- set stages = by_code[row.indicator_code].stages -%}
            {%- if row.stage not in stages -%}
                {%- do stages.update({row.stage: {
                    'weight': (row.weight * 1000000) | int, 'deduction': (row.deduction * 1000000) | int,
                    'maximum': (row.points_maximum * 1000000) | int, 'number': row.stage_no | int, 'segments': [],
                }}) -%}
            {%- endif -%}
            {%- do stages[row.stage].segments.append(row) -%}
        {%- endfor -%}
        {%- for row in run_query('select indicator_code, supply_status, treatment from ' ~ ref('gaps')) -%}
            {%- if row.indicator_code in by_code and row.supply_status in supply_statuses() -%}
                {%- do by_code[row.indicator_code].treatments.update(
                    {supply_statuses().index(row.supply_status): row.treatment}
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(indicators) -}}
{% endmacro %}

{#- A text as an SQL literal: stage names come from whoever edits the rule set. -#}
{% macro literal(text) -%}
    '{{ text | string | replace("'", "''") }}'
{%- endmacro %}

{#- One expression per stage of an indicator, as a CASE on `stage`; written once where all stages say the same. -#}
{% macro by_stage(indicator, expressions) -%}
    {%- if expressions.values() | unique | list | length == 1 -%}
        case when stage is not null then {{ expressions.values() | first }} end
    {%- else -%}
        case stage{% for stage, expression in expressions.items() %} when {{ literal(stage) }} then {{ expression }}{% endfor %} end
    {%- endif -%}
{%- endmacro %}

{#- A figure of an indicator's card ('weight', 'maximum'), which may differ from stage to stage; whole millionths. -#}
{% macro stage_figure(indicator, name) -%}
    {%- set figures = {} -%}
    {%- for stage, card in indicator.stages.items() -%}{%- do figures.update({stage: card[name] | string}) -%}{%- endfor -%}
    {{- by_stage(indicator, figures) -}}
{%- endmacro %}

{#- The number of a line of the scorecard: an indicator, a stage (0: not known, 99 at most) and a segment (below 0: a gap; 899 at most). -#}
{% macro line_number(position, stage_no, segment) -%}
    ({{ position }} * 100000 + cast({{ stage_no }} as integer) * 1000 + 100 + {{ segment }})
{%- endmacro %}

{#- The number of an enterprise's stage; 0 where it is not known. -#}
{% macro stage_number(indicators) -%}
    cast(case coalesce(stage, '') when '' then 0        {%- for stage, card in ((indicators | first).stages.items() if indicators else []) %} when {{ literal(stage) }} then {{ card.number }}{% endfor %} else 0 end as smallint)
{%- endmacro %}
