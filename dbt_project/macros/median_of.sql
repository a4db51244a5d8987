{#- The lower median of a group: always one of the values, so that no division is made. -#}
{% macro median_of(expression) %}
    {{- return(adapter.dispatch('median_of', 'jifen')(expression)) -}}
{% endmacro %}

{% macro duckdb__median_of(expression) -%}
    quantile_disc({{ expression }}, 0.5)
{%- endmacro %}
