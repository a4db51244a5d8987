{#- The code of each indicator column of the relations, one row per column, read from the database's own description. -#}
{% macro measured_indicators(relations) -%}
    {%- set codes = [] -%}
    {%- for relation in relations -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- set code = column.name.split('_')[0] -%}
            {%- if modules.re.match('^[a-z][0-9]{2}$', code) and not column.name.endswith('_is_undefined') -%}
                {%- do codes.append(code | upper) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for code in codes %}
        select '{{ code }}' as indicator_code {{ 'union all' if not loop.last }}
    {%- else %}
        select cast(null as varchar) as indicator_code
    {%- endfor %}
{%- endmacro %}
