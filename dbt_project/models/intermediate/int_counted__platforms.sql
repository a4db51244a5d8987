with platforms as (
    {{ landed('science', 'platforms') }}
),

cooperations as (
    {{ landed('science', 'cooperations') }}
),

results as (
    {{ landed('science', 'contest_results') }}
),

-- An enterprise named twice on one result (as its branch, or by an old name) has it once.
contestants as (
    select distinct
        uscc,
        record_ref
    from {{ ref('int_mentions__resolved') }}
    where source = 'science' and dataset = 'contest_results' and uscc is not null
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

levels as (
    select * from {{ ref('levels') }}
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

recent_results as (
    select
        results.*,
        case when results.level in ('national', 'provincial') then 'L17' else 'L18' end as indicator_code,
        case when results.kind = 'challenge' then 'challenge' else results.level || '_' || results.place end as result_level
    from results
    inner join in_force
        on results.held_on > in_force.two_years_before_as_of_on and results.held_on <= in_force.as_of
    -- A challenge project of the nation or the province is a project, and counted as one.
    where results.kind = 'contest' or results.level in ('city', 'zone')
),

placed as (
    select
        contestants.uscc,
        recent_results.indicator_code,
        {{ counted_record(
            'recent_results', 'science', 'contest_results', 'recent_results.result_no', 'recent_results.held_on',
            quantity='levels.quantity', level='recent_results.result_level'
        ) }}
    from recent_results
    inner join contestants on recent_results.result_no = contestants.record_ref
    left join levels on recent_results.indicator_code = levels.indicator_code and recent_results.result_level = levels.level
),

counted as (
    select * from valid_platforms
    union all
    select * from running_cooperations
    union all
    select * from placed
)

select * from counted
