{%- set carried_columns = ['unit_no', 'month', 'learned_on', 'raw_sha256', 'raw_position'] -%}
with talents as (
    select
        *,
        {{ split_rows("replace(employer_name, '；', ';')", ';') }} as employer
    from ({{ landed('talent', 'talents') }}) as listed
),

persons as (
    {{ landed('talent', 'persons') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and uscc is not null
),

levels as (
    select * from {{ ref('levels') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- Each month's list is whole: a person that the newest one leaves out has left.
newest_talents as (
    select max(talents.month) as month
    from talents
    inner join in_force on talents.month <= in_force.as_of
),

newest_persons as (
    select max(persons.month) as month
    from persons
    inner join in_force on persons.month <= in_force.as_of
),

recognised as (
    select
        talents.*,
        case when talents.level in ('national', 'provincial') then 'L01' else 'L02' end as indicator_code
    from talents
    inner join newest_talents on talents.month = newest_talents.month
    inner join in_force
        on
            talents.recognised_on <= in_force.as_of
            and (talents.valid_to is null or talents.valid_to >= in_force.as_of)
            and (talents.left_on is null or talents.left_on > in_force.as_of)
),

employed as (
    select
        {% for column in carried_columns %}
            {{ latest_value('persons.' ~ column, 'persons.unit_no', 'true') }} as {{ column }},
        {% endfor %}
        mentions.uscc,
        max(case when persons.degree = 'doctor' or persons.is_postdoc then 1 else 0 end) as is_doctor,
        max(case when persons.title_level = 'senior' or persons.skill_level = 'senior_technician' then 1 else 0 end)
            as is_senior
    from persons
    inner join newest_persons on persons.month = newest_persons.month
    inner join in_force
        on
            persons.joined_on <= in_force.as_of
            and (persons.left_on is null or persons.left_on > in_force.as_of)
    inner join mentions on mentions.dataset = 'persons' and persons.unit_no = mentions.record_ref
    -- A person on the lists of two units of one enterprise counts once.
    group by mentions.uscc, persons.person_hash
),

named as (
    select
        *,
        -- By the place in the raw file, never by the person: a hash of a person is still personal data.
        unit_no || '|' || substr(raw_sha256, 1, 12) || '|' || cast(raw_position as varchar) as record_ref
    from employed
),

counted as (
    select
        mentions.uscc,
        recognised.indicator_code,
        {{ counted_record(
            'recognised', 'talent', 'talents', 'recognised.talent_no', 'recognised.recognised_on',
            quantity='levels.quantity', level='recognised.level'
        ) }}
    from recognised
    -- An earlier list may have named another employer.
    inner join mentions
        on
            mentions.dataset = 'talents'
            and recognised.talent_no = mentions.record_ref
            and recognised.employer = mentions.identifier
    left join levels on recognised.indicator_code = levels.indicator_code and recognised.level = levels.level
    {% for code, condition in [('L03', 'named.is_doctor = 1'), ('L04', 'named.is_senior = 1')] %}
        union all
        select
            named.uscc,
            '{{ code }}' as indicator_code,
            {{ counted_record('named', 'talent', 'persons', 'named.record_ref', 'named.month') }}
        from named
        where {{ condition }}
    {% endfor %}
)

select * from counted
