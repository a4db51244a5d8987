{#- Whether a text can stand as part of a column's name: a letter, then letters, digits and underscores, 30 at most. -#}
{% macro is_plain_code(text) %}
    {{- return(adapter.dispatch('is_plain_code', 'jifen')(text)) -}}
{% endmacro %}

{% macro default__is_plain_code(text) %}
    {{- no_implementation('is_plain_code') -}}
{% endmacro %}

{% macro duckdb__is_plain_code(text) -%}
    regexp_full_match({{ text }}, '[A-Za-z][A-Za-z0-9_]{0,29}')
{%- endmacro %}
