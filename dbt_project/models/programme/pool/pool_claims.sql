{{ config(materialized='table') }}

with recursive events as (
    {{ landed('finance', 'guarantee_claims') }}
),

guarantees as (
    select * from {{ ref('pool_guarantees') }}
),

transitions as (
    select * from {{ ref('pool_transitions') }}
),

terms as (
    select * from {{ ref('pool_terms') }}
),

movements as (
    select * from {{ ref('subsidy_movements') }}
    where kind = 'loan'
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- Since when a loan was overdue on the day of its claim, when it last ceased to be, and what was still owed (null: not known).
overdue as (
    select
        events.event_no,
        max(case when movements.begins_overdue then movements.moved_on end) as began_on,
        max(case when not movements.begins_overdue then movements.moved_on end) as ended_on,
        case
            when
                count(case when movements.is_drawdown then 1 end) > 0
                and count(case when movements.is_of_principal and movements.principal_fen is null then 1 end) = 0
                and sum(movements.principal_fen) >= 0
                then cast(sum(movements.principal_fen) as bigint)
        end as owed_fen
    from events
    inner join guarantees on events.guarantee_no = guarantees.guarantee_no
    inner join movements
        on
            guarantees.bank = movements.lender
            and guarantees.loan_receipt_no = movements.contract_no
            and events.happened_on >= movements.moved_on
    where events.state = 'claimed'
    group by events.event_no
),

numbered as (
    select
        events.event_no,
        events.guarantee_no,
        events.state,
        {{ to_fen('events.amount_cny') }} as amount_fen,
        events.happened_on,
        -- Of one day 9 comes before 10.
        cast(
            row_number() over (
                partition by events.guarantee_no order by events.happened_on, length(events.event_no), events.event_no
            ) as bigint
        ) as place,
        guarantees.guarantee_no is not null as is_known,
        guarantees.problem as guarantee_problem,
        guarantees.principal_fen,
        guarantees.government_ppm,
        guarantees.bank_ppm,
        guarantees.valid_from,
        guarantees.released_on,
        overdue.owed_fen,
        terms.claim_overdue_days,
        -- Both days count.
        case
            when coalesce(overdue.ended_on <= overdue.began_on, true)
                then {{ days_between('overdue.began_on', 'events.happened_on') }} + 1
        end as overdue_days
    from events
    inner join in_force on events.happened_on <= in_force.as_of
    left join guarantees on events.guarantee_no = guarantees.guarantee_no
    left join terms on guarantees.pool_id = terms.pool_id
    left join overdue on events.event_no = overdue.event_no
),

-- From one event to the next of the same claim: what is not allowed changes nothing, and the next is judged as if it were not
-- there.
walked as (
    select
        guarantee_no,
        cast(0 as bigint) as place,
        cast(null as varchar) as event_no,
        cast('none' as varchar) as from_state,
        cast('none' as varchar) as state,
        cast(null as varchar) as problem,
        cast(0 as bigint) as loss_fen,
        cast(0 as bigint) as recovered_fen
    from numbered
    where place = 1
    union all
    select
        judged.guarantee_no,
        judged.place,
        judged.event_no,
        judged.from_state,
        case when judged.problem is null then judged.to_state else judged.from_state end as state,
        judged.problem,
        case
            when judged.problem is null and judged.amount_rule = 'up_to_principal' then judged.amount_fen
            else judged.loss_fen
        end as loss_fen,
        case
            when judged.problem is null and judged.amount_rule = 'up_to_loss' then judged.recovered_fen + judged.amount_fen
            else judged.recovered_fen
        end as recovered_fen
    from (
        select
            numbered.guarantee_no,
            numbered.place,
            numbered.event_no,
            walked.state as from_state,
            numbered.state as to_state,
            walked.loss_fen,
            walked.recovered_fen,
            numbered.amount_fen,
            transitions.amount_rule,
            case
                when not numbered.is_known then 'no_guarantee'
                when numbered.guarantee_problem is not null then 'no_shares'
                when transitions.to_state is null then 'not_allowed'
                when numbered.happened_on < numbered.valid_from then 'before_the_guarantee'
                when transitions.amount_rule <> 'none' and numbered.amount_fen is null then 'no_amount'
                when
                    transitions.amount_rule = 'up_to_principal'
                    and (numbered.amount_fen = 0 or numbered.amount_fen > numbered.principal_fen)
                    then 'not_within_the_principal'
                when transitions.amount_rule = 'up_to_principal' and numbered.amount_fen > numbered.owed_fen
                    then 'more_than_is_owed'
                when transitions.amount_rule = 'up_to_principal' and numbered.happened_on >= numbered.released_on
                    then 'after_the_release'
                when transitions.amount_rule = 'up_to_principal' and numbered.overdue_days is null then 'not_overdue'
                when
                    transitions.amount_rule = 'up_to_principal' and numbered.overdue_days < numbered.claim_overdue_days
                    then 'overdue_too_short'
                when
                    transitions.amount_rule = 'guaranteed_share'
                    and numbered.amount_fen
                    <> walked.loss_fen - {{ divided_down(wide('walked.loss_fen') ~ ' * numbered.bank_ppm', '1000000') }}
                    then 'not_the_share'
                when
                    transitions.amount_rule = 'government_share'
                    and numbered.amount_fen
                    <> {{ divided_down(wide('walked.loss_fen') ~ ' * numbered.government_ppm', '1000000') }}
                    then 'not_the_share'
                when
                    transitions.amount_rule = 'up_to_loss'
                    and walked.recovered_fen + numbered.amount_fen > walked.loss_fen
                    then 'more_than_was_lost'
            end as problem
        from walked
        inner join numbered on walked.guarantee_no = numbered.guarantee_no and walked.place + 1 = numbered.place
        left join transitions on walked.state = transitions.from_state and numbered.state = transitions.to_state
    ) as judged
),

-- A loss, and what comes back of it, is parted by the same shares; the fen left over is the guarantor's.
parted as (
    select
        walked.event_no,
        walked.guarantee_no,
        walked.place,
        guarantees.pool_id,
        guarantees.agreement_id,
        guarantees.band,
        guarantees.uscc,
        numbered.happened_on,
        numbered.overdue_days,
        walked.from_state,
        numbered.state as reported_state,
        walked.state,
        walked.problem is null as is_applied,
        walked.problem,
        numbered.amount_fen,
        walked.loss_fen,
        walked.recovered_fen,
        case
            when walked.problem is null and numbered.state in ('claimed', 'recovered')
                then {{ divided_down(wide('numbered.amount_fen') ~ ' * numbered.government_ppm', '1000000') }}
        end as government_fen,
        case
            when walked.problem is null and numbered.state in ('claimed', 'recovered')
                then {{ divided_down(wide('numbered.amount_fen') ~ ' * numbered.bank_ppm', '1000000') }}
        end as bank_fen
    from walked
    inner join numbered on walked.event_no = numbered.event_no
    left join guarantees on walked.guarantee_no = guarantees.guarantee_no
),

claims as (
    select
        *,
        case when government_fen is not null then amount_fen - government_fen - bank_fen end as guarantor_fen,
        case
            when is_applied and reported_state = 'compensated' then -amount_fen
            when is_applied and reported_state = 'recovered' then government_fen
            else 0
        end as pool_change_fen
    from parted
)

select * from claims
