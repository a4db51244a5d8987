{#- The models that measure: each has one row per eligible enterprise, and a column per indicator that begins with its code. -#}
{% macro indicator_models() -%}
    {{- return([
        'ind_innovation', 'ind_growth', 'ind_auxiliary',
        'ind_talent', 'ind_achievements', 'ind_credit',
    ]) -}}
{%- endmacro %}

{#-
    Where each indicator of the rule set in force is measured: a list of its code, its model and column, whether the model says
    that it can be undefined, whether all its inputs were supplied, and those inputs that do not cover everybody.
-#}
{% macro measured_columns() -%}
    {%- set measured = [] -%}
    {%- if execute -%}
        {%- set columns = {} -%}
        {%- for model in indicator_models() -%}
            {%- for column in adapter.get_columns_in_relation(ref(model)) -%}
                {%- set code = column.name.split('_')[0] -%}
                {%- if not column.name.endswith('_is_undefined') -%}
                    {%- do columns.update({code: {'model': model, 'name': column.name}}) -%}
                {%- else -%}
                    {%- do columns.update({code ~ '?': true}) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set inputs = {} -%}
        {%- for row in run_query('select * from ' ~ ref('int_inputs__supplied') ~ ' order by indicator_code, source, dataset, years_back') -%}
            {%- do inputs.setdefault(row.indicator_code, []).append(row) -%}
        {%- endfor -%}
        {%- for row in run_query('select indicator_code from ' ~ ref('indicators') ~ ' order by indicator_code') -%}
            {%- set code = row.indicator_code | lower -%}
            {%- set needed = inputs.get(row.indicator_code, []) -%}
            {%- set partial = [] -%}
            {%- for input in needed if input.coverage == 'partial' -%}
                {%- do partial.append({'source': input.source, 'dataset': input.dataset, 'years_back': input.years_back | int}) -%}
            {%- endfor -%}
            {%- do measured.append({
                'code': code,
                'model': columns.get(code, {}).model,
                'name': columns.get(code, {}).name,
                'can_be_undefined': columns.get(code ~ '?', false),
                'is_supplied': needed | rejectattr('is_supplied') | list | length == 0,
                'partial': partial,
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(measured) -}}
{%- endmacro %}

{#- Each input, of those that do not cover everybody, that any indicator needs, once. -#}
{% macro partial_inputs(measured) -%}
    {%- set inputs = [] -%}
    {%- for indicator in measured -%}
        {%- for input in indicator.partial if input not in inputs -%}{%- do inputs.append(input) -%}{%- endfor -%}
    {%- endfor -%}
    {{- return(inputs) -}}
{%- endmacro %}
