{#- The scheme of the rule sets: `points` ranks the zone's enterprises; others (`sme_tech`) are chosen by name. -#}
{% macro scheme() -%}
    '{{ var('scheme', env_var('JIFEN_SCHEME', 'points')) | replace("'", "''") }}'
{%- endmacro %}
