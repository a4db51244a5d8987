{#- The column sums to the same total in each group. -#}
{% test sums_to(model, column_name, per, total) %}
    select
        {{ per | join(', ') }},
        sum({{ column_name }}) as found
    from {{ model }}
    group by {{ per | join(', ') }}
    having sum({{ column_name }}) <> {{ total }}
{% endtest %}
