with events as (
    select * from {{ ref('credit_events') }}
),

levels as (
    select * from {{ ref('levels') }}
),

graded as (
    select
        *,
        case when event_type = 'administrative_penalty' then 'L22' else 'L21' end as indicator_code,
        case when event_type = 'administrative_penalty' then coalesce(severity, 'unstated') else event_type end as grade,
        max(case when event_type <> 'administrative_penalty' and has_basis and not may_be_repaired then 1 else 0 end)
            over (partition by uscc) as is_listed
    from events
),

-- One that may be repaired stands here without a quantity: whether it counts is not known. So does an entry on a list that does
-- not name its basis: nothing may follow from it, and it does not prove the enterprise clean. Beside one that names it, it adds
-- nothing.
counted as (
    select
        graded.uscc,
        graded.indicator_code,
        {{ counted_record(
            'graded', 'credit', 'events', 'graded.event_no', 'graded.decided_on',
            quantity="case when graded.may_be_repaired then null when graded.indicator_code = 'L22' then levels.quantity "
            ~ "when graded.has_basis then 1 when graded.is_listed = 1 then 0 end",
            level='graded.grade'
        ) }}
    from graded
    left join levels on graded.indicator_code = levels.indicator_code and graded.grade = levels.level
)

select * from counted
