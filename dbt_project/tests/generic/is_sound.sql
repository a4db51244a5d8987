{#-
    What holds of every row, in one scan: the key is unique and none of its columns null, the `filled` columns have a value, and
    those of `values` hold no other. A failing row has the key, and how often each rule is broken under it.
-#}
{% test is_sound(model, key, filled=[], values={}) %}
    {%- set rules = {'copies': 'count(*) - 1'} -%}
    {%- for column in filled -%}
        {%- do rules.update({column ~ '_missing': 'count(*) - count(' ~ column ~ ')'}) -%}
    {%- endfor -%}
    {%- for column, known in values.items() -%}
        {%- do rules.update({
            column ~ '_unknown': 'count(case when ' ~ column ~ " not in ('" ~ known | join("', '") ~ "') then 1 end)"
        }) -%}
    {%- endfor -%}
    select
        {{ key | join(', ') }}
        {%- for name, broken in rules.items() %},
        {{ broken }} as {{ name }}
        {%- endfor %}
    from {{ model }}
    group by {{ key | join(', ') }}
    having {{ key | join(' is null or ') }} is null or {{ rules.values() | join(' > 0 or ') }} > 0
{% endtest %}
