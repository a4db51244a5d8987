{#- One row per day from the first to the last, both included. Used in a select list. -#}
{% macro each_day(first_day, last_day) %}
    {{- return(adapter.dispatch('each_day', 'jifen')(first_day, last_day)) -}}
{% endmacro %}

{% macro duckdb__each_day(first_day, last_day) -%}
    cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date)
{%- endmacro %}
