{%- set steps = ['posted', 'matched', 'approved', 'drawn'] -%}
with quarters as (
    select * from {{ ref('programme_quarters') }}
),

needs as (
    select * from {{ ref('market_needs') }}
),

events as (
    select * from {{ ref('market_events') }}
    where is_applied
),

reports as (
    select * from {{ ref('need_feedback') }}
    where problem is null
),

-- Each need at the step on the first day that it reached it, with whichever bank.
reached as (
    select
        need_no,
        'posted' as step,
        posted_on as reached_on
    from needs
    union all
    select
        need_no,
        state as step,
        min(happened_on) as reached_on
    from events
    where state in ('matched', 'approved', 'drawn')
    group by need_no, state
),

needs_by_quarter as (
    select
        quarters.quarter,
        {% for step in steps -%}
            count(case when reached.step = '{{ step }}' then 1 end) as needs_{{ step }},
            coalesce(sum(case when reached.step = '{{ step }}' then needs.amount_fen end), 0) as needs_{{ step }}_fen
            {{- ',' if not loop.last }}
        {% endfor %}
    from quarters
    left join reached on quarters.ends_on >= reached.reached_on
    left join needs on reached.need_no = needs.need_no
    group by quarters.quarter
),

-- A report counts until the next one of its application.
followed as (
    select
        *,
        lead(reported_on) over (
            partition by bank, application_no order by reported_on, length(feedback_no), feedback_no
        ) as next_reported_on
    from reports
),

granted as (
    select
        quarters.quarter,
        followed.uscc,
        followed.limit_fen,
        coalesce(followed.drawn_on <= quarters.ends_on, false) as is_drawn
    from quarters
    inner join followed
        on quarters.ends_on >= followed.reported_on and coalesce(quarters.ends_on < followed.next_reported_on, true)
    where followed.decision = 'approved'
),

credit_by_quarter as (
    select
        quarter,
        count(distinct uscc) as enterprises_granted,
        sum(limit_fen) as credit_granted_fen,
        sum(case when is_drawn then limit_fen end) as credit_drawn_fen,
        count(case when limit_fen is null then 1 end) as limits_not_known,
        count(case when is_drawn and limit_fen is null then 1 end) as drawn_limits_not_known
    from granted
    group by quarter
),

measured as (
    select
        needs_by_quarter.quarter,
        {% for step in steps -%}
            needs_by_quarter.needs_{{ step }},
            cast(needs_by_quarter.needs_{{ step }}_fen as bigint) as needs_{{ step }}_fen,
        {% endfor -%}
        {% for figure in [
            'enterprises_granted', 'credit_granted_fen', 'credit_drawn_fen', 'limits_not_known', 'drawn_limits_not_known'
        ] -%}
            cast(coalesce(credit_by_quarter.{{ figure }}, 0) as bigint) as {{ figure }}
            {{- ',' if not loop.last }}
        {% endfor %}
    from needs_by_quarter
    left join credit_by_quarter on needs_by_quarter.quarter = credit_by_quarter.quarter
)

select * from measured
