{#-
    Each column by which a source YAML says whom its records are about, read when the models compile. A column with a `check` is
    a code, if it is the only one of its dataset: with two it is a list of the register itself, and says how they are linked.
    `identifies: enterprise` without a check is the agency's own number. `names: enterprise` is a name, looked up where a record
    has neither code nor number. `int_mentions__sent` has what is sent of each.
-#}
{% macro columns_that_say_who(kinds=('code', 'number', 'name')) %}
    {%- set found = [] -%}
    {%- for dataset in graph.get('sources', {}).values() | rejectattr('source_name', 'equalto', 'pipeline') -%}
        {%- set columns = dataset.columns.values() | list -%}
        {%- set codes = columns | selectattr('meta.check') | list -%}
        {%- set told = columns | selectattr('meta.identifies', 'equalto', 'enterprise') | list -%}
        {%- set identifying = told or (codes if codes | length == 1 else []) -%}
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
