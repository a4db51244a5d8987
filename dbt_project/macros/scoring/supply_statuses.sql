{#- The ways in which a value is there or not, in the order of their numbers: a status column of `measures` holds the number. -#}
{% macro supply_statuses() -%}
    {{- return([
        'supplied', 'source_not_supplied', 'record_not_supplied', 'value_not_supplied', 'not_defined', 'too_few_peers'
    ]) -}}
{%- endmacro %}
