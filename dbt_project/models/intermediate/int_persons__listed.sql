{%- set told = ['unit_no', 'month', 'learned_on', 'raw_sha256', 'raw_position'] -%}
with persons as (
    {{ landed('talent', 'persons') }}
),

units as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and dataset = 'persons' and uscc is not null
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- Each month's list is whole: whom the newest one leaves out is gone.
newest as (
    select max(persons.month) as month
    from persons
    inner join in_force on persons.month <= in_force.as_of
),

employed as (
    select
        {% for column in told %}
            {{ latest_value('persons.' ~ column, 'persons.unit_no', 'true') }} as {{ column }},
        {% endfor %}
        units.uscc,
        persons.person_hash,
        max(case when persons.degree = 'doctor' or persons.is_postdoc then 1 else 0 end) as is_doctor,
        max(case when persons.title_level = 'senior' or persons.skill_level = 'senior_technician' then 1 else 0 end)
            as is_senior
    from persons
    inner join newest on persons.month = newest.month
    inner join in_force
        on
            persons.joined_on <= in_force.as_of
            and (persons.left_on is null or persons.left_on > in_force.as_of)
    inner join units on persons.unit_no = units.record_ref
    -- Somebody on the lists of two units of one enterprise is one person.
    group by units.uscc, persons.person_hash
)

select * from employed
