{#- One row per part of a text. Used in a select list; the other columns repeat. -#}
{% macro split_rows(text, separator) %}
    {{- return(adapter.dispatch('split_rows', 'jifen')(text, separator)) -}}
{% endmacro %}

{% macro default__split_rows(text, separator) %}
    {{- no_implementation('split_rows') -}}
{% endmacro %}

{% macro duckdb__split_rows(text, separator) -%}
    unnest(string_split({{ text }}, '{{ separator }}'))
{%- endmacro %}
