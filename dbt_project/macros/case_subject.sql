{#- A case of an item, as one whom conditions are tried on; an enterprise is its code. -#}
{% macro case_subject(cases) -%}
    'case:' || {{ cases }}.kind || ':' || {{ cases }}.item_id || ':' || {{ cases }}.version || ':' || cast({{ cases }}.case_no as varchar)
{%- endmacro %}
