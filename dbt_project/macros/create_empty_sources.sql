{#- The scratch target's sources: empty tables with the columns that the source YAMLs declare, and those the landing adds. -#}
{% macro create_empty_sources() %}
    {%- if execute and target.name == 'scratch' -%}
        {%- for node in graph.sources.values() | selectattr('package_name', 'equalto', 'jifen') -%}
            {%- do run_query('create schema if not exists ' ~ node.schema) -%}
            {%- set columns = [] -%}
            {%- for column in node.columns.values() -%}
                {%- do columns.append(column.name ~ ' ' ~ column.data_type) -%}
            {%- endfor -%}
            {%- if node.source_name != 'pipeline' -%}
                {%- do columns.extend(
                    ['_batch varchar', '_learned_on date', '_raw_sha256 varchar', '_position integer', '_sequence integer',
                     '_deleted boolean', '_valid_from date', '_extra varchar']
                ) -%}
            {%- endif -%}
            {%- do run_query(
                'create table if not exists ' ~ node.schema ~ '.' ~ node.name ~ ' (' ~ columns | join(', ') ~ ')'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
