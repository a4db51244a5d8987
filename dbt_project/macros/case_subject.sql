{#- A case of an item, as one whom conditions are tried on: a number below 0, where an enterprise has one above. -#}
{% macro case_subject(cases) -%}
    -cast(
            row_number() over (order by {{ cases }}.kind, {{ cases }}.item_id, {{ cases }}.version, {{ cases }}.case_no) as integer
        )
{%- endmacro %}
