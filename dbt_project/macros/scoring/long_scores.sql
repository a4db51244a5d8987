{#-
    `measures` and `scores` as rows: uscc, stage, value, line (of the scorecard), points (millionths), and where the rule set has
    them maximum (millionths), percentile and peers. An indicator without a value is a row too.
-#}
{% macro long_scores(indicators, is_mean) %}
    {{- return(adapter.dispatch('long_scores', 'jifen')(indicators, is_mean)) -}}
{% endmacro %}

{% macro default__long_scores(indicators, is_mean) %}
    {{- no_implementation('long_scores') -}}
{% endmacro %}

{% macro duckdb__long_scores(indicators, is_mean) -%}
    {%- set compared = indicators | selectattr('function', 'equalto', 'percentile_in_peer') | list | length > 0 -%}
    {%- if not indicators %}
    select
        uscc,
        stage,
        cast(null as decimal(18, 6)) as value,
        cast(null as integer) as line,
        cast(null as bigint) as points,
        cast(null as bigint) as maximum,
        cast(null as decimal(18, 6)) as percentile,
        cast(null as integer) as peers
    from {{ ref('scores') }}
    where false
    {%- else %}
    select
        uscc,
        stage,
        value,
        line,
        points,
        {{ 'maximum' if is_mean else 'cast(null as bigint)' }} as maximum,
        {{ 'percentile' if compared else 'cast(null as decimal(18, 6))' }} as percentile,
        {{ 'peers' if compared else 'cast(null as integer)' }} as peers
    from (
        select
            scores.*
            {%- for indicator in indicators %},
            measures.{{ indicator.column }},
            {{ line_number(indicator.position, 'scores.stage_no', 'scores.' ~ indicator.column ~ '_segment') }} as {{ indicator.column }}_line
            {%- endfor %}
            {%- if compared %}{% for indicator in indicators if indicator.function != 'percentile_in_peer' %},
            cast(null as decimal(18, 6)) as {{ indicator.column }}_position,
            cast(null as integer) as {{ indicator.column }}_peers
            {%- endfor %}{% endif %}
        from {{ ref('measures') }} as measures
        inner join {{ ref('scores') }} as scores on measures.uscc = scores.uscc
    )
    unpivot include nulls (
        (value, line, points{{ ', maximum' if is_mean }}{{ ', percentile, peers' if compared }}) for indicator_code in (
            {%- for indicator in indicators %}
            {%- set c = indicator.column %}
            ({{ c }}, {{ c }}_line, {{ c }}_points{{ ', ' ~ c ~ '_maximum' if is_mean }}{{ ', ' ~ c ~ '_position, ' ~ c ~ '_peers' if compared }}) as {{ literal(indicator.code) }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
    {%- endif %}
{%- endmacro %}
