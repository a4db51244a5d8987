{{ config(materialized='table') }}

with lines as (
    select * from {{ ref('subsidy_lines') }}
),

claims as (
    select * from {{ ref('subsidy_claims_known') }}
),

programmes as (
    select * from {{ ref('subsidy_programmes') }}
),

payments as (
    select * from {{ ref('subsidy_payments_known') }}
),

-- The purpose of a payment without a line is not known: nothing more is paid on its claim until that is corrected.
unmatched as (
    select payments.claim_no
    from payments
    left join lines
        on
            payments.claim_no = lines.claim_no
            and payments.programme_id = lines.programme_id
            and payments.policy_year = lines.policy_year
    where lines.claim_no is null and payments.paid_fen <> 0
    group by payments.claim_no
),

standing as (
    select
        lines.claim_no,
        lines.programme_id,
        lines.policy_year,
        lines.uscc,
        lines.is_eligible,
        lines.granted_fen,
        coalesce(payments.paid_fen, 0) as paid_fen,
        {{ divided_down(
            wide('lines.granted_fen') ~ ' * ' ~ to_ppm('coalesce(programmes.advance_pct, 0)'), '1000000'
        ) }} as advance_fen,
        case
            when lines.is_eligible is null then 'not_known'
            when not lines.is_eligible then 'refused'
            when unmatched.claim_no is not null then 'payment_unmatched'
            when claims.published_on is null or claims.published_on > claims.as_of then 'calculated'
            when claims.objected_on <= claims.as_of and claims.is_objection_upheld is null then 'objected'
            when {{ days_between('claims.published_on', 'claims.as_of') }} <= programmes.publicity_days then 'in_publicity'
            when claims.reviewed_on <= claims.as_of then 'settlement'
            else 'advance'
        end as stage
    from lines
    inner join claims on lines.claim_no = claims.claim_no
    left join programmes on lines.programme_id = programmes.programme_id
    left join unmatched on lines.claim_no = unmatched.claim_no
    left join payments
        on
            lines.claim_no = payments.claim_no
            and lines.programme_id = payments.programme_id
            and lines.policy_year = payments.policy_year
),

-- Payments beyond the present grant are claimed back; where a fact is not known nothing is paid and nothing claimed back.
parted as (
    select
        *,
        'advance' as part,
        greatest(advance_fen - paid_fen, 0) as amount_fen
    from standing
    where stage in ('advance', 'settlement')
    union all
    select
        *,
        'settlement' as part,
        granted_fen - greatest(advance_fen, paid_fen) as amount_fen
    from standing
    where stage = 'settlement' and granted_fen >= paid_fen
    union all
    select
        *,
        'clawback' as part,
        granted_fen - paid_fen as amount_fen
    from standing
    where is_eligible is not null and paid_fen > granted_fen
),

due as (
    select
        claim_no,
        programme_id,
        policy_year,
        uscc,
        part,
        stage,
        granted_fen,
        paid_fen,
        cast(amount_fen as bigint) as amount_fen
    from parted
    where amount_fen <> 0
)

select * from due
