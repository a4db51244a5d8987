with talents as (
    select
        *,
        {{ split_rows("replace(employer_name, '；', ';')", ';') }} as employer
    from ({{ landed('talent', 'talents') }}) as listed
),

employers as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and dataset = 'talents' and uscc is not null
),

levels as (
    select * from {{ ref('levels') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- Each month's list is whole: whom the newest one leaves out is gone.
newest as (
    select max(talents.month) as month
    from talents
    inner join in_force on talents.month <= in_force.as_of
),

recognised as (
    select
        talents.*,
        case when talents.level in ('national', 'provincial') then 'L01' else 'L02' end as indicator_code
    from talents
    inner join newest on talents.month = newest.month
    inner join in_force
        on
            talents.recognised_on <= in_force.as_of
            and (talents.valid_to is null or talents.valid_to >= in_force.as_of)
            and (talents.left_on is null or talents.left_on > in_force.as_of)
),

counted as (
    select
        employers.uscc,
        recognised.indicator_code,
        {{ counted_record(
            'recognised', 'talent', 'talents', 'recognised.talent_no', 'recognised.recognised_on',
            quantity='levels.quantity', level='recognised.level'
        ) }}
    from recognised
    -- An earlier list may have named another employer.
    inner join employers
        on recognised.talent_no = employers.record_ref and recognised.employer = employers.identifier
    left join levels on recognised.indicator_code = levels.indicator_code and recognised.level = levels.level
)

select * from counted
