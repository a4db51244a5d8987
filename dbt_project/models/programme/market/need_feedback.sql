with reports as (
    {{ landed('finance', 'bank_feedback') }}
),

consents as (
    select * from {{ ref('int_consents__given') }}
),

uses as (
    select * from {{ ref('market_consents') }}
    where used_for = 'need_feedback'
),

needs as (
    select * from {{ ref('need_states') }}
),

events as (
    select * from {{ ref('market_events') }}
    where is_applied
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

steps as (
    select
        need_no,
        bank,
        state,
        row_number() over (partition by need_no, bank order by place desc) as newest_rank
    from events
    where bank is not null
),

-- Reports under a consent after which the enterprise withdrew another to the bank for the same purpose.
overruled as (
    select reports.feedback_no
    from reports
    inner join consents on reports.consent_id = consents.consent_id
    inner join consents as others
        on
            consents.uscc = others.uscc
            and consents.recipient = others.recipient
            and consents.purpose = others.purpose
            and reports.reported_on >= others.withdrawn_on
            and consents.valid_from <= others.withdrawn_on
    group by reports.feedback_no
),

judged as (
    select
        reports.*,
        coalesce(redirected.uscc, reports.uscc) as current_uscc,
        steps.state as step,
        case
            when consents.consent_id is null then 'no_consent'
            when consents.uscc <> coalesce(redirected.uscc, reports.uscc) or consents.recipient <> reports.bank
                then 'consent_of_another'
            when
                overruled.feedback_no is not null
                or not ({{ consent_covers('consents', 'reports.reported_on', 'uses') }})
                then 'consent_not_in_force'
            when reports.need_no is not null and needs.need_no is null then 'no_need'
            when needs.uscc <> coalesce(redirected.uscc, reports.uscc) then 'need_of_another'
            when reports.decision = 'rejected' and coalesce(trim(reports.reject_reason), '') = '' then 'no_reason'
        end as problem
    from reports
    inner join in_force on reports.reported_on <= in_force.as_of
    left join redirected on reports.uscc = redirected.code
    left join consents on reports.consent_id = consents.consent_id
    cross join uses
    left join overruled on reports.feedback_no = overruled.feedback_no
    left join needs on reports.need_no = needs.need_no
    left join steps on reports.need_no = steps.need_no and reports.bank = steps.bank and steps.newest_rank = 1
),

-- Data that a bank may not report without a consent is dropped: such a report has only its number and the problem.
feedback as (
    select
        feedback_no,
        bank,
        application_no,
        need_no,
        current_uscc as uscc,
        reported_on,
        problem,
        case
            when problem is null
                then
                    row_number() over (
                        partition by bank, application_no, problem is null
                        order by reported_on desc, length(feedback_no) desc, feedback_no desc
                    ) = 1
            else false
        end as is_newest,
        case when problem is null then consent_id end as consent_id,
        case when problem is null then product_id end as product_id,
        case when problem is null then decision end as decision,
        case when problem is null then reject_reason end as reject_reason,
        case when problem is null then {{ to_fen('limit_cny') }} end as limit_fen,
        case when problem is null then annual_rate_pct end as annual_rate_pct,
        case when problem is null then drawn_on end as drawn_on,
        case when problem is null then {{ to_fen('balance_cny') }} end as balance_fen,
        case when problem is null then five_class end as five_class,
        case when problem is null then overdue_days end as overdue_days,
        step,
        -- The loan is drawn, and the need has no such step.
        problem is null and need_no is not null and drawn_on is not null and coalesce(step not in ('drawn', 'closed'), true)
            as is_ahead_of_steps
    from judged
)

select * from feedback
