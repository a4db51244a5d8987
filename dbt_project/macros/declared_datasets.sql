{#- Every dataset that a source YAML declares, as rows of (source, dataset); none before the project is parsed. -#}
{% macro declared_datasets() -%}
    {%- set nodes = graph.sources.values() | rejectattr('source_name', 'equalto', 'pipeline') | list if execute else [] -%}
    {%- for node in nodes %}
        select '{{ node.source_name }}' as source, '{{ node.name }}' as dataset {{ 'union all' if not loop.last }}
    {%- else %}
        select cast(null as varchar) as source, cast(null as varchar) as dataset
    {%- endfor %}
{%- endmacro %}
