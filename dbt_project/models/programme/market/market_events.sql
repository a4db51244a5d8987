with steps as (
    select * from {{ ref('market_steps') }}
),

needs as (
    select * from {{ ref('need_states') }}
),

ended as (
    select
        steps.*,
        case
            when needs.state = 'expired' and steps.happened_on > needs.last_day then 'expired'
            when steps.bank <> '' and steps.happened_on > needs.closed_on then 'closed'
        end as end_state
    from steps
    left join needs on steps.need_no = needs.need_no
),

events as (
    select
        event_no,
        need_no,
        nullif(bank, '') as bank,
        product_id,
        place,
        happened_on,
        coalesce(end_state, from_state) as from_state,
        event as reported_state,
        coalesce(end_state, state) as state,
        problem is null and end_state is null as is_applied,
        case end_state when 'expired' then 'after_expiry' when 'closed' then 'after_the_close' else problem end as problem,
        reason
    from ended
)

select * from events
