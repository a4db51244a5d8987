{#- The texts on the places 1 to 3 of a group with a separator: as `joined_text`, without sorting each group. -#}
{% macro joined_first_three(text, separator, place) -%}
    max(case when {{ place }} = 1 then {{ text }} end)
        {%- for next in (2, 3) %}
            || coalesce('{{ separator }}' || max(case when {{ place }} = {{ next }} then {{ text }} end), '')
        {%- endfor %}
{%- endmacro %}
