{#- The relation holds exactly this many rows. -#}
{% test has_rows(model, rows) %}
    select count(*) as found
    from {{ model }}
    having count(*) <> {{ rows }}
{% endtest %}
