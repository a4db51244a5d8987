{#-
    Within a group-by, the value on the row with the greatest `ordered_by` among those where `condition` holds. A null on that
    row stays null: a correction that leaves a field out does not bring the corrected figure back.
    A list of columns orders by the first, then by the next.
-#}
{% macro latest_value(value, ordered_by, condition) %}
    {{- return(adapter.dispatch('latest_value', 'jifen')(value, ordered_by, condition)) -}}
{% endmacro %}

{% macro duckdb__latest_value(value, ordered_by, condition) -%}
    {%- set order = ordered_by if ordered_by is string else 'row(' ~ ordered_by | join(', ') ~ ')' -%}
    arg_max_null({{ value }}, {{ order }}) filter (where {{ condition }})
{%- endmacro %}
