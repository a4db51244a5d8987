{#- The number of an item's case as a subject of conditions: below 0, where enterprises have numbers above 0. -#}
{% macro case_subject(cases) -%}
    -cast(
            row_number() over (order by {{ cases }}.kind, {{ cases }}.item_id, {{ cases }}.version, {{ cases }}.case_no) as integer
        )
{%- endmacro %}
