{#-
    The indicators that cost each enterprise most, at most `number` of them, as rows of (uscc, stage, loss_rank, position, value,
    segment, loss, maximum, percentile, peers; loss and maximum in millionths). Equal losses come in the order of the codes; what costs nothing is left out.
    Loss and position are put into one integer, so that the few largest of a row are found without turning the row into many.
-#}
{% macro costliest_scores(indicators, is_mean, number=4) %}
    {{- return(adapter.dispatch('costliest_scores', 'jifen')(indicators, is_mean, number)) -}}
{% endmacro %}

{% macro default__costliest_scores(indicators, is_mean, number) %}
    {{- no_implementation('costliest_scores') -}}
{% endmacro %}

{% macro duckdb__costliest_scores(indicators, is_mean, number) -%}
    {%- if not indicators -%}
    select *, 1 as loss_rank, 1 as position, cast(null as bigint) as loss from ({{ duckdb__long_scores(indicators, is_mean) }})
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
        9999 - loss_key % 10000 as position,
        loss_key // 10000 as loss,
        value,
        segment,
        {{ 'maximum' if is_mean else 'cast(null as bigint)' }} as maximum,
        {{ 'percentile' if compared else 'cast(null as decimal(18, 6))' }} as percentile,
        {{ 'peers' if compared else 'cast(null as integer)' }} as peers
    from (
        select
            uscc,
            stage,
            unnest({{ places | list }}) as loss_rank,
            unnest(costliest) as loss_key
            {%- for name, column in picked.items() %},
            unnest([{% for place in places %}{{ at_position(column[0], column[1], place) }}{{ ', ' if not loop.last }}{% endfor %}]) as {{ name }}
            {%- endfor %}
        from (
            select
                scores.* exclude (stage),
                scores.stage,
                {%- for indicator in indicators %}
                measures.{{ indicator.column }},
                {%- endfor %}
                list_slice(list_reverse_sort([
                    {%- for indicator in indicators %}
                    coalesce(({{ indicator.column ~ '_maximum' if is_mean else stage_maximum(indicator) }} - {{ indicator.column }}_points) * 10000 + {{ 9999 - indicator.position }}, 0){{ ',' if not loop.last }}
                    {%- endfor %}
                ]), 1, {{ places | length }}) as costliest
            from {{ ref('measures') }} as measures
            inner join {{ ref('scores') }} as scores on measures.uscc = scores.uscc
        )
    )
    where loss_key >= 10000
    {%- endif -%}
{%- endmacro %}

{#- The column of the indicator that is in a place of `costliest`. -#}
{% macro at_position(indicators, suffix, place) -%}
    case 9999 - costliest[{{ place }}] % 10000{% for indicator in indicators %} when {{ indicator.position }} then {{ indicator.column }}{{ suffix }}{% endfor %} end
{%- endmacro %}
