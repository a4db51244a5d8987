{#- The models that measure: each has one row per eligible enterprise, and a column per indicator that begins with its code. -#}
{% macro indicator_models() -%}
    {{- return(['ind_innovation', 'ind_growth', 'ind_talent', 'ind_achievements', 'ind_credit']) -}}
{%- endmacro %}

{#-
    Where each indicator of the rule set in force is measured: a list of its code, its model and column, whether the model has a
    column for its being undefined, whether all its inputs were supplied, and for those inputs that do not cover all enterprises
    the columns that state which enterprises have a record there: `has_<source>_<dataset>_<years back>`.
-#}
{% macro measured_columns() -%}
    {%- set measured = [] -%}
    {%- if execute -%}
        {%- set columns = {} -%}
        {%- for model in indicator_models() -%}
            {%- for column in adapter.get_columns_in_relation(ref(model)) -%}
                {%- set code = column.name.split('_')[0] -%}
                {%- if code == 'has' -%}
                    {%- do columns.update({column.name: model ~ '.' ~ column.name}) -%}
                {%- elif not column.name.endswith('_is_undefined') -%}
                    {%- do columns.update({code: {'model': model, 'name': column.name}}) -%}
                {%- else -%}
                    {%- do columns.update({code ~ '?': true}) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set inputs = {} -%}
        {%- for row in run_query(supplied_inputs()) -%}
            {%- do inputs.setdefault(row.indicator_code, []).append(row) -%}
        {%- endfor -%}
        {%- for row in run_query('select indicator_code from ' ~ ref('indicators') ~ ' order by indicator_code') -%}
            {%- set code = row.indicator_code | lower -%}
            {%- set needed = inputs.get(row.indicator_code, []) -%}
            {%- set partial = [] -%}
            {%- for input in needed if input.coverage == 'partial' -%}
                {%- set column = 'has_' ~ input.source ~ '_' ~ input.dataset ~ '_' ~ input.years_back | int -%}
                {%- do partial.append(columns.get(column, 'false')) -%}
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

{#-
    The datasets that the indicators of the rule set in force are made from. One without a row in
    `supply` counts as not supplied, and as covering only some.
-#}
{% macro supplied_inputs() %}
    select
        inputs.indicator_code,
        inputs.source,
        inputs.dataset,
        inputs.years_back,
        coalesce(supply.is_supplied, false) as is_supplied,
        coalesce(supply.coverage, 'partial') as coverage
    from {{ ref('ruleset_inputs') }} as inputs
    inner join {{ ref('ruleset_in_force') }} as in_force on inputs.ruleset_id = in_force.ruleset_id
    left join {{ ref('supply') }} as supply on inputs.source = supply.source and inputs.dataset = supply.dataset
    order by inputs.indicator_code, inputs.source, inputs.dataset, inputs.years_back
{% endmacro %}
