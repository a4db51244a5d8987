{#- A whole number wide enough for products of fen, days and rates, and for their sums. -#}
{% macro wide(number) %}
    {{- return(adapter.dispatch('wide', 'jifen')(number)) -}}
{% endmacro %}

{% macro duckdb__wide(number) -%}
    cast({{ number }} as hugeint)
{%- endmacro %}
