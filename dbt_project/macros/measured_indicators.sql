{#- The code of each indicator column of the models that measure, one row per column, read from the database's own description. -#}
{% macro measured_indicators() -%}
    {%- set codes = [] -%}
    {%- for model in indicator_models() -%}
        {%- for column in adapter.get_columns_in_relation(ref(model)) -%}
            {%- set code = column.name.split('_')[0] -%}
            {%- if code not in ('enterprise', 'uscc', 'reporting', 'has') and not column.name.endswith('_is_undefined') -%}
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
