{#-
    The indicator columns of a wide relation as rows of (uscc, column_name, value). An indicator column begins with its code,
    as in c01_rd_expense_wan_cny, so no list of indicators is kept anywhere. With suffix='_is_undefined' the flags instead of
    the values. Rows with a null value are kept: a missing indicator is a row, not an absence.
-#}
{% macro indicator_rows(relation, suffix='') %}
    {{- return(adapter.dispatch('indicator_rows', 'jifen')(relation, suffix)) -}}
{% endmacro %}

{% macro default__indicator_rows(relation, suffix) %}
    {{- no_implementation('indicator_rows') -}}
{% endmacro %}

{% macro duckdb__indicator_rows(relation, suffix) -%}
    {%- set flags = '_is_undefined' -%}
    select
        uscc,
        upper(split_part(column_name, '_', 1)) as indicator_code,
        value
    from {{ relation }}
    unpivot include nulls (
        value for column_name in (
            columns(
                lambda column_name: regexp_matches(column_name, '^[a-z][0-9]{2}_')
                and {{ '' if suffix == flags else 'not ' }}ends_with(column_name, '{{ flags }}')
            )
        )
    )
{%- endmacro %}
