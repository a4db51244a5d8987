{#- One row per part of a text, without the blanks around it; a part that comes twice is one row. Used in a select list; the other columns repeat. -#}
{% macro split_rows(text, separator) %}
    {{- return(adapter.dispatch('split_rows', 'jifen')(text, separator)) -}}
{% endmacro %}

{% macro duckdb__split_rows(text, separator) -%}
    unnest(
            case
                when contains({{ text }}, '{{ separator }}')
                    then list_distinct(list_transform(string_split({{ text }}, '{{ separator }}'), lambda part: trim(part)))
                else [trim({{ text }})]
            end
        )
{%- endmacro %}
