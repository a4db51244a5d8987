{#- Whether a text is a day that every year has, as MM-DD. -#}
{% macro is_day_of_year(text) -%}
    coalesce({{ dbt.safe_cast("'2023-' || " ~ text, 'date') }} is not null and length({{ text }}) = 5, false)
{%- endmacro %}
