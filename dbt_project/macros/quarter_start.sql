{#- The first day of the quarter of a day, as a date. -#}
{% macro quarter_start(day) -%}
    cast({{ dbt.date_trunc('quarter', day) }} as date)
{%- endmacro %}
