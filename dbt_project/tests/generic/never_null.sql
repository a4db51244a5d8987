{#- Columns that hold a value in every row. One query in place of many. -#}
{% test never_null(model, columns) %}

    select {{ columns | join(', ') }}
    from {{ model }}
    where {{ columns | join(' is null or ') }} is null

{% endtest %}
