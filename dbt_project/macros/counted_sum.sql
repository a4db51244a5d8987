{#- Within a group-by over counted records, what those of one indicator add up to; null where there is none. -#}
{% macro counted_sum(indicator_code) -%}
    sum(case when indicator_code = '{{ indicator_code }}' then quantity end)
{%- endmacro %}
