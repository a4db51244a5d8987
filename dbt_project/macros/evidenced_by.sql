{#- What has evidence, read from the models' text, so that a check needs no build: the codes that a model of counted records names. -#}
{% macro counted_indicators() -%}
    {%- set codes = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and (node.name.startswith('int_counted__') or node.name == 'int_evidence__held') -%}
        {%- do codes.extend(modules.re.findall("'([A-Za-z][0-9A-Za-z]*)'", node.raw_code)) -%}
    {%- endfor -%}
    {%- for code in codes | map('upper') | unique | sort %}
        select '{{ code }}' as indicator_code {{ 'union all' if not loop.last }}
    {%- else %}
        select cast(null as varchar) as indicator_code
    {%- endfor %}
{%- endmacro %}

{#- And the datasets of which one record of an enterprise and year is used: what takes them for input is evidenced by it. -#}
{% macro evidenced_datasets() -%}
    {%- set pairs = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.name in ['int_evidence__tax', 'int_evidence__reported'] -%}
        {%- do pairs.extend(modules.re.findall("'(\\w+)' as source,\\s+'(\\w+)' as dataset", node.raw_code)) -%}
    {%- endfor -%}
    {%- for source, dataset in pairs | unique | sort %}
        select '{{ source }}' as source, '{{ dataset }}' as dataset {{ 'union all' if not loop.last }}
    {%- else %}
        select cast(null as varchar) as source, cast(null as varchar) as dataset
    {%- endfor %}
{%- endmacro %}
