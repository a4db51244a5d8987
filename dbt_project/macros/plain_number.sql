{#- A decimal as a person writes it: 12.500000 is 12.5, 100.000000 is 100. -#}
{% macro plain_number(number) %}
    {{- return(adapter.dispatch('plain_number', 'jifen')(number)) -}}
{% endmacro %}

{% macro duckdb__plain_number(number) -%}
    rtrim(rtrim(cast({{ number }} as varchar), '0'), '.')
{%- endmacro %}
