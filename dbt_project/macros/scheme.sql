{#- What the rule sets in question are for: `points` ranks the zone's enterprises; others (`sme_tech`) are asked for by name. -#}
{% macro scheme() -%}
    '{{ var('scheme', env_var('JIFEN_SCHEME', 'points')) | replace("'", "''") }}'
{%- endmacro %}
