with platforms as (
    {{ landed('science', 'platforms') }}
),

cooperations as (
    {{ landed('science', 'cooperations') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

valid_platforms as (
    select
        coalesce(redirected.uscc, platforms.uscc) as uscc,
        -- A station counts as one whatever its level, and nowhere else.
        case
            when platforms.kind like '%_station' then 'L09'
            when platforms.level = 'national' then 'L06'
            when platforms.level = 'provincial' then 'L07'
            when platforms.level = 'municipal' then 'L08'
        end as indicator_code,
        {{ counted_record(
            'platforms', 'science', 'platforms', 'platforms.platform_no', 'platforms.recognised_on', level='platforms.level'
        ) }}
    from platforms
    inner join in_force
        on
            platforms.recognised_on <= in_force.as_of
            and (platforms.valid_to is null or platforms.valid_to >= in_force.as_of)
    left join redirected on platforms.uscc = redirected.code
),

running_cooperations as (
    select
        coalesce(redirected.uscc, cooperations.uscc) as uscc,
        'L10' as indicator_code,
        {{ counted_record(
            'cooperations', 'science', 'cooperations', 'cooperations.cooperation_no', 'cooperations.started_on',
            level='cooperations.kind'
        ) }}
    from cooperations
    inner join in_force
        on
            cooperations.started_on <= in_force.as_of
            and (cooperations.ended_on is null or cooperations.ended_on >= in_force.as_of)
    left join redirected on cooperations.uscc = redirected.code
),

counted as (
    select * from valid_platforms
    union all
    select * from running_cooperations
)

select * from counted
