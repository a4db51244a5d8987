with results as (
    {{ landed('science', 'contest_results') }}
),

-- Who is named twice on one result, as itself and as its branch or by an old name, has it once.
contestants as (
    select distinct
        uscc,
        record_ref
    from {{ ref('int_mentions__resolved') }}
    where source = 'science' and dataset = 'contest_results' and uscc is not null
),

levels as (
    select * from {{ ref('levels') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

recent as (
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

counted as (
    select
        contestants.uscc,
        recent.indicator_code,
        {{ counted_record(
            'recent', 'science', 'contest_results', 'recent.result_no', 'recent.held_on',
            quantity='levels.quantity', level='recent.result_level'
        ) }}
    from recent
    inner join contestants on recent.result_no = contestants.record_ref
    left join levels on recent.indicator_code = levels.indicator_code and recent.result_level = levels.level
)

select * from counted
