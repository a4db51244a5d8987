{#- The texts of a group, in the order of the texts or of another column, with a separator. -#}
{% macro joined_text(text, separator, ordered_by=none) -%}
    {{ dbt.listagg(text, "'" ~ separator ~ "'", 'order by ' ~ (ordered_by or text)) }}
{%- endmacro %}
