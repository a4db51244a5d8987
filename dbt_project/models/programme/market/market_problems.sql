with needs as (
    select * from {{ ref('need_states') }}
),

events as (
    select * from {{ ref('market_events') }}
),

answers as (
    select * from {{ ref('bank_answers') }}
),

feedback as (
    select * from {{ ref('need_feedback') }}
),

facts as (
    select * from {{ ref('enterprise_facts') }}
),

problems as (
    select
        'needs' as dataset,
        needs.need_no as record_no,
        needs.need_no,
        cast(null as varchar) as bank,
        needs.posted_on as happened_on,
        case when facts.uscc is null then 'not_ranked' else 'days_not_known' end as problem
    from needs
    left join facts on needs.uscc = facts.uscc
    where facts.uscc is null or needs.last_day is null
    union all
    select
        'need_events' as dataset,
        event_no as record_no,
        need_no,
        bank,
        happened_on,
        problem
    from events
    where problem is not null
    union all
    select
        'bank_answers' as dataset,
        need_no || ' ' || bank as record_no,
        need_no,
        bank,
        matched_on as happened_on,
        'calendar_not_known' as problem
    from answers
    where state = 'not_known'
    union all
    select
        'bank_feedback' as dataset,
        feedback_no as record_no,
        need_no,
        bank,
        reported_on as happened_on,
        coalesce(problem, 'ahead_of_the_steps') as problem
    from feedback
    where problem is not null or (is_newest and is_ahead_of_steps)
)

select * from problems
