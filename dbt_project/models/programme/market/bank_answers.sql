with events as (
    select * from {{ ref('market_events') }}
    where is_applied and bank is not null
),

needs as (
    select * from {{ ref('need_states') }}
),

parameters as (
    select * from {{ ref('market_parameters') }}
    where parameter = 'answer_days'
),

calendar as (
    select * from {{ ref('working_days') }}
),

matched as (
    select
        events.need_no,
        events.bank,
        events.product_id,
        events.happened_on as matched_on,
        needs.uscc,
        needs.as_of,
        needs.state as need_state,
        case
            when needs.state = 'expired' then needs.last_day
            when needs.closed_on is not null then needs.closed_on
            else needs.as_of
        end as last_day
    from events
    inner join needs on events.need_no = needs.need_no
    where events.reported_state = 'matched'
),

answered as (
    select
        need_no,
        bank,
        min(happened_on) as answered_on
    from events
    where reported_state <> 'matched'
    group by need_no, bank
),

-- The row for the product comes before that for the bank, and that before the one for all.
allowed as (
    select
        matched.need_no,
        matched.bank,
        cast(parameters.value as bigint) as answer_days,
        row_number() over (
            partition by matched.need_no, matched.bank
            order by
                case when parameters.product_id is null then 1 else 0 end,
                case when parameters.bank is null then 1 else 0 end
        ) as narrowest_rank
    from matched
    inner join parameters
        on
            matched.matched_on >= parameters.valid_from
            and coalesce(matched.matched_on <= parameters.valid_to, true)
            and coalesce(matched.bank = parameters.bank, parameters.bank is null)
            and coalesce(matched.product_id = parameters.product_id, parameters.product_id is null)
),

-- A bank is late when more working days went by than it had. A day that the calendar does not have is null throughout.
dated as (
    select
        matched.need_no,
        matched.uscc,
        matched.bank,
        matched.product_id,
        matched.matched_on,
        allowed.answer_days,
        answered.answered_on,
        coalesce(answered.answered_on, matched.last_day) as ended_on,
        matched.need_state in ('expired', 'closed') as is_ended,
        due.day as due_on,
        late.day as late_from,
        started.working_day_no as first_no,
        ended.working_day_no as last_no
    from matched
    left join answered on matched.need_no = answered.need_no and matched.bank = answered.bank
    left join allowed
        on matched.need_no = allowed.need_no and matched.bank = allowed.bank and allowed.narrowest_rank = 1
    left join calendar as started on matched.matched_on = started.day
    left join calendar as ended on coalesce(answered.answered_on, matched.last_day) = ended.day
    left join calendar as due
        on due.is_working and started.working_day_no + allowed.answer_days = due.working_day_no
    left join calendar as late
        on late.is_working and started.working_day_no + allowed.answer_days + 1 = late.working_day_no
),

answers as (
    select
        need_no,
        bank,
        uscc,
        product_id,
        matched_on,
        answer_days,
        due_on,
        answered_on,
        last_no - first_no as working_days,
        case
            when first_no is null or answer_days is null then 'not_known'
            when ended_on >= late_from then case when answered_on is null then 'late' else 'answered_late' end
            when late_from is null and last_no is null then 'not_known'
            when answered_on is not null then 'answered'
            when is_ended then 'not_needed'
            else 'waiting'
        end as state
    from dated
)

select * from answers
