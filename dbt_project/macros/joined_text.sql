{#- The texts of a group, in order, with a separator. -#}
{% macro joined_text(text, separator) -%}
    {{ dbt.listagg(text, "'" ~ separator ~ "'", 'order by ' ~ text) }}
{%- endmacro %}
