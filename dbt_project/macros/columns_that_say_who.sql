{#-
    Each column that identifies the enterprise of a record by its source YAML, read when the models compile. A column with a
    `check` is a code, if it is the only one of its dataset: with two it is a list of the register itself, which links the two.
    `identifies: enterprise` without a check is the agency's own number. `names: enterprise` is a name, looked up where a record
    has neither code nor number. `int_mentions__sent` has the values that are sent in each.
-#}
{% macro columns_that_say_who(kinds=('code', 'number', 'name')) %}
    {%- set found = [] -%}
    {%- for dataset in graph.get('sources', {}).values() | rejectattr('source_name', 'equalto', 'pipeline') -%}
        {%- set columns = dataset.columns.values() | list -%}
        {%- set codes = columns | selectattr('meta.check') | list -%}
        {%- set declared = columns | selectattr('meta.identifies', 'equalto', 'enterprise') | list -%}
        {%- set identifying = declared or (codes if codes | length == 1 else []) -%}
        {%- for column in identifying -%}
            {%- set kind = 'code' if column.meta.check else 'number' -%}
            {%- do found.append({'dataset': dataset, 'kind': kind, 'column': column, 'unless': []}) if kind in kinds -%}
        {%- endfor -%}
        {%- for column in columns | selectattr('meta.names', 'equalto', 'enterprise') if 'name' in kinds
            and (identifying or not codes) and not identifying | selectattr('meta.required') | list -%}
            {%- do found.append({'dataset': dataset, 'kind': 'name', 'column': column, 'unless': identifying}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
