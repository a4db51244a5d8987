{{ config(materialized='table') }}

with guarantees as (
    {{ landed('finance', 'guarantees') }}
),

agreements as (
    select * from {{ ref('pool_agreements') }}
),

terms as (
    select * from {{ ref('pool_terms') }}
),

sharing as (
    select * from {{ ref('pool_sharing') }}
),

uplifts as (
    select * from {{ ref('pool_uplifts') }}
),

movements as (
    select * from {{ ref('subsidy_movements') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select
        guarantees.guarantee_no,
        guarantees.agreement_id,
        guarantees.bank,
        guarantees.guarantor,
        guarantees.loan_receipt_no,
        coalesce(redirected.uscc, guarantees.uscc) as uscc,
        guarantees.principal_cny,
        guarantees.fee_rate_pct,
        guarantees.uplifts,
        guarantees.valid_from,
        guarantees.valid_to,
        guarantees.released_on,
        -- Of one day 9 comes before 10.
        row_number() over (
            order by guarantees.valid_from, length(guarantees.guarantee_no), guarantees.guarantee_no
        ) as place,
        in_force.as_of
    from guarantees
    inner join in_force on guarantees.valid_from <= in_force.as_of
    left join redirected on guarantees.uscc = redirected.code
),

named_uplifts as (
    select
        guarantee_no,
        agreement_id,
        {{ split_rows('uplifts', ';') }} as uplift
    from known
    where uplifts is not null
),

-- Of uplifts that stand for one reason the largest counts.
grouped_uplifts as (
    select
        named_uplifts.guarantee_no,
        uplifts.uplift_group,
        max({{ to_ppm('uplifts.government_pct') }}) as uplift_ppm,
        count(case when uplifts.uplift is null then 1 end) as unknown_count
    from named_uplifts
    left join uplifts on named_uplifts.agreement_id = uplifts.agreement_id and named_uplifts.uplift = uplifts.uplift
    group by named_uplifts.guarantee_no, uplifts.uplift_group
),

lifted as (
    select
        guarantee_no,
        cast(coalesce(sum(uplift_ppm), 0) as bigint) as uplift_ppm,
        sum(unknown_count) as unknown_count
    from grouped_uplifts
    group by guarantee_no
),

balances as (
    select
        known.guarantee_no,
        case
            when count(*) = count(movements.principal_fen) and sum(movements.principal_fen) >= 0
                then cast(sum(movements.principal_fen) as bigint)
        end as outstanding_fen
    from known
    inner join movements
        on
            known.bank = movements.lender
            and known.loan_receipt_no = movements.contract_no
            and movements.kind = 'loan'
            and movements.is_of_principal
    group by known.guarantee_no
),

-- A loan has one guarantee of the pool at a time: of two the one that began first.
guaranteed_before as (
    select known.guarantee_no
    from known
    inner join known as others
        on
            known.bank = others.bank
            and known.loan_receipt_no = others.loan_receipt_no
            and known.place > others.place
            and coalesce(known.valid_from <= others.valid_to, true)
            and coalesce(known.valid_from < others.released_on, true)
    inner join agreements on others.agreement_id = agreements.agreement_id
    group by known.guarantee_no
),

-- The enterprise of a loan, as its bank reports it.
borrowers as (
    select
        known.guarantee_no,
        min(case when movements.uscc = known.uscc then 1 else 0 end) as is_own
    from known
    inner join movements
        on
            known.bank = movements.lender
            and known.loan_receipt_no = movements.contract_no
            and movements.kind = 'loan'
    group by known.guarantee_no
),

matched as (
    select
        known.guarantee_no,
        known.agreement_id,
        known.bank,
        known.guarantor,
        known.loan_receipt_no,
        known.uscc,
        {{ to_fen('known.principal_cny') }} as principal_fen,
        {{ to_ppm('known.fee_rate_pct') }} as fee_ppm,
        {{ to_ppm('terms.fee_rate_pct') }} as fee_limit_ppm,
        known.valid_from,
        known.valid_to,
        known.released_on,
        known.as_of,
        agreements.pool_id,
        sharing.band,
        least(
            {{ to_ppm('sharing.government_pct') }} + coalesce(lifted.uplift_ppm, 0),
            {{ to_ppm('agreements.government_ceiling_pct') }}
        ) as government_ppm,
        {{ to_ppm('sharing.bank_pct') }} as bank_ppm,
        case
            when agreements.agreement_id is null then 'no_agreement'
            when agreements.bank <> known.bank or agreements.guarantor <> known.guarantor then 'other_parties'
            when
                known.valid_from < agreements.valid_from
                or known.valid_from > coalesce(agreements.valid_to, known.valid_from)
                then 'agreement_not_in_force'
            when terms.pool_id is null then 'no_pool_in_force'
            when sharing.band is null then 'no_band'
            when lifted.unknown_count > 0 then 'unknown_uplift'
            when borrowers.is_own = 0 then 'loan_of_another'
            when guaranteed_before.guarantee_no is not null then 'guaranteed_before'
        end as problem,
        balances.outstanding_fen is not null as is_balance_known,
        -- A guarantee of a loan without reports covers all of its principal.
        least(
            coalesce(balances.outstanding_fen, {{ to_fen('known.principal_cny') }}), {{ to_fen('known.principal_cny') }}
        ) as outstanding_fen,
        known.valid_from <= known.as_of
        and coalesce(known.valid_to >= known.as_of, true)
        and coalesce(known.released_on > known.as_of, true) as is_in_force
    from known
    left join agreements on known.agreement_id = agreements.agreement_id
    left join terms
        on
            agreements.pool_id = terms.pool_id
            and known.valid_from >= terms.valid_from
            and coalesce(known.valid_from <= terms.valid_to, true)
    left join sharing
        on
            known.agreement_id = sharing.agreement_id
            and (
                sharing.principal_low_cny is null
                or known.principal_cny > sharing.principal_low_cny
                or (known.principal_cny = sharing.principal_low_cny and sharing.inclusive_low)
            )
            and (
                sharing.principal_high_cny is null
                or known.principal_cny < sharing.principal_high_cny
                or (known.principal_cny = sharing.principal_high_cny and sharing.inclusive_high)
            )
    left join lifted on known.guarantee_no = lifted.guarantee_no
    left join balances on known.guarantee_no = balances.guarantee_no
    left join guaranteed_before on known.guarantee_no = guaranteed_before.guarantee_no
    left join borrowers on known.guarantee_no = borrowers.guarantee_no
),

-- The guarantor bears what government and bank do not.
shared as (
    select
        guarantee_no,
        agreement_id,
        pool_id,
        bank,
        guarantor,
        loan_receipt_no,
        uscc,
        principal_fen,
        valid_from,
        valid_to,
        released_on,
        as_of,
        band,
        problem,
        case when problem is null then government_ppm end as government_ppm,
        case when problem is null then 1000000 - government_ppm - bank_ppm end as guarantor_ppm,
        case when problem is null then bank_ppm end as bank_ppm,
        is_balance_known,
        outstanding_fen,
        is_in_force,
        fee_ppm,
        {{ divided_half_up(wide('principal_fen') ~ ' * fee_ppm', '1000000') }} as yearly_fee_fen,
        fee_ppm <= fee_limit_ppm as is_fee_within
    from matched
)

select * from shared
