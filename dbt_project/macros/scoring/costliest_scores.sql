{#-
    The indicators that cost each enterprise most, at most `number` of them, as rows of (uscc, stage, loss_rank, value, line, loss, maximum, percentile, peers; loss and maximum in millionths). Equal losses come in the order of the codes; what costs nothing is left out.
    Loss and position are put into one integer, so no two are equal, and the next largest of a row is the largest of those below
    the last: some hundred nanoseconds each, where sorting the row takes five microseconds and turning it into rows more.
-#}
{% macro costliest_scores(indicators, is_mean, number=4) %}
    {{- return(adapter.dispatch('costliest_scores', 'jifen')(indicators, is_mean, number)) -}}
{% endmacro %}

{% macro default__costliest_scores(indicators, is_mean, number) %}
    {{- no_implementation('costliest_scores') -}}
{% endmacro %}

{% macro duckdb__costliest_scores(indicators, is_mean, number) -%}
    {%- if not indicators -%}
    select *, 1 as loss_rank, cast(null as bigint) as loss from ({{ duckdb__long_scores(indicators, is_mean) }})
    {%- else -%}
    {%- set places = range(1, [number, indicators | length] | min + 1) -%}
    {%- set compared = indicators | selectattr('function', 'equalto', 'percentile_in_peer') | list -%}
    {%- set picked = {'value': (indicators, ''), 'segment': (indicators, '_segment')} -%}
    {%- if is_mean -%}{%- do picked.update({'maximum': (indicators, '_maximum')}) -%}{%- endif -%}
    {%- if compared -%}{%- do picked.update({'percentile': (compared, '_position'), 'peers': (compared, '_peers')}) -%}{%- endif -%}
    select
        uscc,
        stage,
        loss_rank,
        loss_key // 10000 as loss,
        value,
        {{ line_number('(9999 - loss_key % 10000)', 'stage_no', 'segment') }} as line,
        {{ 'maximum' if is_mean else 'cast(null as bigint)' }} as maximum,
        {{ 'percentile' if compared else 'cast(null as decimal(18, 6))' }} as percentile,
        {{ 'peers' if compared else 'cast(null as integer)' }} as peers
    from (
        select
            uscc,
            stage,
            stage_no,
            unnest({{ places | list }}) as loss_rank,
            unnest(costliest) as loss_key
            {%- for name, column in picked.items() %},
            unnest([{% for place in places %}{{ name }}_of_all[cast(9999 - costliest_{{ place }} % 10000 as bigint)]{{ ', ' if not loop.last }}{% endfor %}]) as {{ name }}
            {%- endfor %}
        from (
            select
                *,
                {%- for name, column in picked.items() %}
                [{{ by_position(column[0], column[1]) }}] as {{ name }}_of_all,
                {%- endfor %}
                [{% for place in places %}costliest_{{ place }}{{ ', ' if not loop.last }}{% endfor %}] as costliest
            from (
                {#- One level for each place: what was found before is a column, and not written out again. -#}
                {%- for place in places | reverse %}
                select
                    *,
                    {{ largest_below(indicators, place) }} as costliest_{{ place }}
                from (
                {%- endfor %}
                    select
                        scores.uscc,
                        scores.stage,
                        scores.stage_no
                        {%- for indicator in indicators %}
                        {%- set c = indicator.column %},
                        measures.{{ c }},
                        scores.{{ c }}_segment,
                        {%- if is_mean %}
                        scores.{{ c }}_maximum,
                        {%- endif %}
                        {%- if indicator.function == 'percentile_in_peer' %}
                        scores.{{ c }}_position,
                        scores.{{ c }}_peers,
                        {%- endif %}
                        coalesce((
                            {{- c ~ '_maximum' if is_mean else stage_figure(indicator, 'maximum') }} - {{ c }}_points) * 10000 + {{ 9999 - indicator.position }}, 0
                        ) as {{ c }}_loss
                        {%- endfor %}
                    from {{ ref('measures') }} as measures
                    inner join {{ ref('scores') }} as scores on measures.uscc = scores.uscc
                {%- for place in places %}
                )
                {%- endfor %}
            )
        )
    )
    where loss_key >= 10000
    {%- endif -%}
{%- endmacro %}

{#- A column of each indicator, in the order of their positions; null for those in between that have none. -#}
{% macro by_position(indicators, suffix) -%}
    {%- set columns = {} -%}
    {%- for indicator in indicators -%}{%- do columns.update({indicator.position: indicator.column ~ suffix}) -%}{%- endfor -%}
    {%- for position in range(1, columns.keys() | max + 1) -%}{{ columns.get(position, 'null') }}{{ ', ' if not loop.last }}{%- endfor -%}
{%- endmacro %}

{#- The largest loss of a row, or the largest of those below the one found before. -#}
{% macro largest_below(indicators, place) -%}
    greatest(0, 0
    {%- for indicator in indicators -%}
        {%- if place == 1 %}, {{ indicator.column }}_loss
        {%- else %}, case when {{ indicator.column }}_loss < costliest_{{ place - 1 }} then {{ indicator.column }}_loss else 0 end
        {%- endif -%}
    {%- endfor -%})
{%- endmacro %}
