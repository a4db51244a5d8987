{#- The grain: the columns together are unique and none of them is null. One query in place of many. -#}
{% test keyed_by(model, columns) %}

    select {{ columns | join(', ') }}
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1 or {{ columns | join(' is null or ') }} is null

{% endtest %}
