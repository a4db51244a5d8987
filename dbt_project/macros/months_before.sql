{#- The same day some months earlier (the last day of the month where there is no such day), as a date. -#}
{% macro months_before(day, months) -%}
    cast({{ dbt.dateadd('month', '-(' ~ months ~ ')', day) }} as date)
{%- endmacro %}
