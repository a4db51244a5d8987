{#- How many days later the second day is. -#}
{% macro days_between(first_day, second_day) %}
    {{- return(adapter.dispatch('days_between', 'jifen')(first_day, second_day)) -}}
{% endmacro %}

{% macro duckdb__days_between(first_day, second_day) -%}
    date_diff('day', {{ first_day }}, {{ second_day }})
{%- endmacro %}
