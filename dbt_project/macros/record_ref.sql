{#- A record's name within its dataset: the columns of its key in one text. -#}
{% macro record_ref(relation, key) -%}
    {%- for column in key -%}
        cast({{ relation }}.{{ column }} as varchar){{ " || '|' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
