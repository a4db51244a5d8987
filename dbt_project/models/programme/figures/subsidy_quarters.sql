with quarters as (
    select * from {{ ref('programme_quarters') }}
),

lines as (
    select * from {{ ref('subsidy_lines') }}
),

movements as (
    select * from {{ ref('subsidy_movements') }}
),

all_payments as (
    {{ landed('finance', 'subsidy_payments') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

payments as (
    select
        lines.uscc,
        lines.kind,
        lines.lender,
        lines.contract_no,
        {{ quarter_start('all_payments.paid_on') }} as starts_on,
        {{ to_fen('all_payments.amount_cny') }} as paid_fen
    from all_payments
    inner join in_force on all_payments.paid_on <= in_force.as_of
    inner join lines
        on
            all_payments.claim_no = lines.claim_no
            and all_payments.programme_id = lines.programme_id
            and all_payments.policy_year = lines.policy_year
),

first_paid as (
    select
        uscc,
        min(starts_on) as starts_on
    from payments
    where paid_fen > 0
    group by uscc
),

contracts as (
    select
        payments.kind,
        payments.lender,
        payments.contract_no,
        min(payments.starts_on) as starts_on
    from payments
    where payments.paid_fen > 0
    group by payments.kind, payments.lender, payments.contract_no
),

supported as (
    select
        contracts.starts_on,
        sum(movements.principal_fen) as financed_fen
    from contracts
    inner join movements
        on
            contracts.kind = movements.kind
            and contracts.lender = movements.lender
            and contracts.contract_no = movements.contract_no
            and movements.is_drawdown
    group by contracts.starts_on
),

granted as (
    select
        {{ quarter_start('claimed_on') }} as starts_on,
        sum(granted_fen) as granted_fen,
        sum(case when granted_fen > 0 then interest_fen end) as interest_fen,
        count(case when granted_fen is null then 1 end) as left_out
    from lines
    group by {{ quarter_start('claimed_on') }}
),

by_quarter as (
    select
        starts_on,
        'paid' as what,
        {{ wide('paid_fen') }} as amount
    from payments
    union all
    select
        starts_on,
        'enterprises' as what,
        1 as amount
    from first_paid
    union all
    select
        starts_on,
        'financed' as what,
        financed_fen as amount
    from supported
    union all
    select
        starts_on,
        'granted' as what,
        granted_fen as amount
    from granted
    union all
    select
        starts_on,
        'interest' as what,
        interest_fen as amount
    from granted
    union all
    select
        starts_on,
        'left_out' as what,
        left_out as amount
    from granted
),

summed as (
    select
        quarters.quarter,
        {% for what in ['paid', 'enterprises', 'financed', 'granted', 'interest', 'left_out'] -%}
            coalesce(sum(case when by_quarter.what = '{{ what }}' then by_quarter.amount end), 0) as {{ what }}
            {{- ',' if not loop.last }}
        {% endfor %}
    from quarters
    left join by_quarter on quarters.starts_on >= by_quarter.starts_on
    group by quarters.quarter
),

measured as (
    select
        quarter,
        cast(paid as bigint) as subsidies_paid_fen,
        cast(enterprises as bigint) as enterprises_subsidised,
        cast(financed as bigint) as financing_subsidised_fen,
        cast(granted as bigint) as subsidies_granted_fen,
        cast(left_out as bigint) as lines_left_out,
        case when interest > 0 then {{ divided_down('granted * 1000000', 'greatest(interest, 1)') }} end as cost_reduction_ppm
    from summed
)

select * from measured
