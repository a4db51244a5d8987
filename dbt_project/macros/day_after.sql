{#- The next day, as a date. -#}
{% macro day_after(day) -%}
    cast({{ dbt.dateadd('day', 1, day) }} as date)
{%- endmacro %}

{#- The first day of a year given by its number, as a date. -#}
{% macro new_year(year) -%}
    cast(cast({{ year }} as varchar) || '-01-01' as date)
{%- endmacro %}
