with quarters as (
    select * from {{ ref('programme_quarters') }}
),

guarantees as (
    select * from {{ ref('pool_guarantees') }}
),

claims as (
    select * from {{ ref('pool_claims') }}
),

movements as (
    select * from {{ ref('subsidy_movements') }}
),

agreements as (
    select * from {{ ref('pool_agreements') }}
),

funds as (
    {{ landed('finance', 'pool_funds') }}
),

standing as (
    select
        quarters.quarter,
        quarters.ends_on,
        guarantees.guarantee_no,
        guarantees.bank,
        guarantees.loan_receipt_no,
        guarantees.principal_fen,
        guarantees.fee_ppm,
        coalesce(guarantees.valid_to >= quarters.ends_on, true)
        and coalesce(guarantees.released_on > quarters.ends_on, true) as is_in_force
    from guarantees
    inner join quarters on guarantees.valid_from <= quarters.ends_on
    where guarantees.problem is null
),

came_to as (
    select
        standing.quarter,
        standing.guarantee_no,
        {{ latest_value('claims.state', 'claims.place', 'true') }} as state
    from standing
    inner join claims
        on standing.guarantee_no = claims.guarantee_no and standing.ends_on >= claims.happened_on and claims.is_applied
    group by standing.quarter, standing.guarantee_no
),

-- A guarantee that is compensated or written off covers no loan any more.
open_guarantees as (
    select standing.*
    from standing
    left join came_to on standing.quarter = came_to.quarter and standing.guarantee_no = came_to.guarantee_no
    where
        case
            when came_to.state is null then standing.is_in_force
            else came_to.state in ('claimed', 'guarantor_paid', 'filed', 'approved')
        end
),

-- Of a loan without reports, or with an amount missing, the whole principal counts.
balances as (
    select
        open_guarantees.quarter,
        open_guarantees.guarantee_no,
        case
            when count(*) = count(movements.principal_fen) and sum(movements.principal_fen) >= 0
                then cast(sum(movements.principal_fen) as bigint)
        end as outstanding_fen
    from open_guarantees
    inner join movements
        on
            open_guarantees.bank = movements.lender
            and open_guarantees.loan_receipt_no = movements.contract_no
            and open_guarantees.ends_on >= movements.happened_on
            and movements.kind = 'loan'
            and movements.is_of_principal
    group by open_guarantees.quarter, open_guarantees.guarantee_no
),

guaranteed as (
    select
        open_guarantees.quarter,
        count(*) as guarantees,
        count(*) - count(balances.outstanding_fen) as balances_not_known,
        cast(sum(least(
            coalesce(balances.outstanding_fen, open_guarantees.principal_fen), open_guarantees.principal_fen
        )) as bigint) as guaranteed_fen,
        {{ divided_half_up(
            'sum(' ~ wide('open_guarantees.principal_fen') ~ ' * open_guarantees.fee_ppm)',
            'nullif(sum(case when open_guarantees.fee_ppm is not null then open_guarantees.principal_fen end), 0)'
        ) }} as guarantee_fee_ppm
    from open_guarantees
    left join balances
        on open_guarantees.quarter = balances.quarter and open_guarantees.guarantee_no = balances.guarantee_no
    group by open_guarantees.quarter
),

agreed as (
    select
        quarters.quarter,
        cast(sum({{ to_fen('agreements.limit_cny') }}) as bigint) as agreed_fen
    from quarters
    inner join agreements
        on quarters.ends_on >= agreements.valid_from and coalesce(quarters.ends_on <= agreements.valid_to, true)
    group by quarters.quarter
),

pool_movements as (
    select
        moved_on,
        case when kind = 'withdrawn' then -{{ to_fen('amount_cny') }} else {{ to_fen('amount_cny') }} end as change_fen
    from funds
    union all
    select
        happened_on as moved_on,
        pool_change_fen as change_fen
    from claims
),

money as (
    select
        quarters.quarter,
        cast(sum(pool_movements.change_fen) as bigint) as pool_fen
    from quarters
    inner join pool_movements on quarters.ends_on >= pool_movements.moved_on
    group by quarters.quarter
),

measured as (
    select
        quarters.quarter,
        coalesce(guaranteed.guarantees, 0) as guarantees,
        coalesce(guaranteed.guaranteed_fen, 0) as guaranteed_fen,
        coalesce(guaranteed.balances_not_known, 0) as balances_not_known,
        guaranteed.guarantee_fee_ppm,
        coalesce(agreed.agreed_fen, 0) as agreed_fen,
        coalesce(money.pool_fen, 0) as pool_fen,
        case
            when money.pool_fen > 0
                then {{ divided_down(
                    wide('coalesce(guaranteed.guaranteed_fen, 0)') ~ ' * 1000000', 'greatest(money.pool_fen, 1)'
                ) }}
        end as pool_leverage_ppm
    from quarters
    left join guaranteed on quarters.quarter = guaranteed.quarter
    left join agreed on quarters.quarter = agreed.quarter
    left join money on quarters.quarter = money.quarter
)

select * from measured
