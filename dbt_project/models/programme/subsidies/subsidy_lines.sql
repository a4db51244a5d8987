{{ config(materialized='table') }}

with entries as (
    select * from {{ ref('subsidy_entries') }}
),

segments as (
    select * from {{ ref('subsidy_segments') }}
),

checks as (
    select * from {{ ref('subsidy_checks') }}
),

programmes as (
    select * from {{ ref('subsidy_programmes') }}
),

payments as (
    select * from {{ ref('subsidy_payments_known') }}
),

-- One failed condition refuses a line, even where others are not known.
judged as (
    select
        claim_no,
        programme_id,
        policy_year,
        case
            when count(case when not is_met then 1 end) > 0 then false
            when count(*) = count(is_met) then true
        end as is_eligible
    from checks
    group by claim_no, programme_id, policy_year
),

-- Payments on lines that cannot be judged tonight count as spent: they are not granted to others.
reserved as (
    select
        payments.programme_id,
        payments.policy_year,
        cast(sum(greatest(payments.paid_fen, 0)) as bigint) as reserved_fen
    from payments
    inner join judged
        on
            payments.claim_no = judged.claim_no
            and payments.programme_id = judged.programme_id
            and payments.policy_year = judged.policy_year
    where judged.is_eligible is null
    group by payments.programme_id, payments.policy_year
),

eligible as (
    select
        entries.*,
        greatest(entries.budget_fen - coalesce(reserved.reserved_fen, 0), 0) as available_fen
    from entries
    left join reserved
        on entries.programme_id = reserved.programme_id and entries.policy_year = reserved.policy_year
    inner join judged
        on
            entries.claim_no = judged.claim_no
            and entries.programme_id = judged.programme_id
            and entries.policy_year = judged.policy_year
            and judged.is_eligible
),

of_eligible as (
    select
        segments.claim_no,
        segments.programme_id,
        segments.policy_year,
        eligible.uscc,
        eligible.kind,
        eligible.lender,
        eligible.contract_no,
        eligible.filed_place,
        segments.days,
        segments.days_of_year,
        segments.counted_fen,
        segments.subsidy_rate_e12
    from segments
    inner join eligible
        on
            segments.claim_no = eligible.claim_no
            and segments.programme_id = eligible.programme_id
            and segments.policy_year = eligible.policy_year
            and segments.counted_as = 'counted'
),

-- The financing of an enterprise and year that counts is capped over its contracts of one kind, the one claimed first before
-- the others; a contract that is claimed in parts takes its share once.
financed as (
    select
        uscc,
        policy_year,
        kind,
        lender,
        contract_no,
        min(filed_place) as filed_place,
        max(counted_fen) as peak_fen
    from of_eligible
    group by uscc, policy_year, kind, lender, contract_no
),

financed_before as (
    select
        *,
        coalesce(
            sum(peak_fen) over (
                partition by uscc, policy_year, kind order by filed_place
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as before_fen
    from financed
),

left_to_finance as (
    select
        of_eligible.*,
        case
            when programmes.financing_cap_cny is not null
                then cast(greatest({{ to_fen('programmes.financing_cap_cny') }} - financed_before.before_fen, 0) as bigint)
        end as financing_left_fen
    from of_eligible
    inner join programmes on of_eligible.programme_id = programmes.programme_id
    inner join financed_before
        on
            of_eligible.uscc = financed_before.uscc
            and of_eligible.policy_year = financed_before.policy_year
            and of_eligible.kind = financed_before.kind
            and of_eligible.lender = financed_before.lender
            and of_eligible.contract_no = financed_before.contract_no
),

counted as (
    select
        claim_no,
        programme_id,
        policy_year,
        days,
        days_of_year,
        case when counted_fen > financing_left_fen then financing_left_fen else counted_fen end as counted_fen,
        financing_left_fen,
        subsidy_rate_e12
    from left_to_finance
),

-- Fen of principal times days: what one whole year at 100 % would be, times the days of a year.
claimed_in_all as (
    select
        programme_id,
        policy_year,
        max(days_of_year) as days_of_year,
        sum({{ wide('counted_fen') }} * days) as fen_days
    from counted
    group by programme_id, policy_year
),

-- The rate that the budget pays for, once all claims are in: rounded down, so that it is never more.
rates as (
    select
        eligible.claim_no,
        eligible.programme_id,
        eligible.policy_year,
        case
            when eligible.budget_mode = 'rate_from_budget' and claimed_in_all.fen_days > 0
                then {{ divided_down(
                    wide('eligible.available_fen') ~ ' * claimed_in_all.days_of_year * 1000000', 'claimed_in_all.fen_days'
                ) }}
        end as budget_ppm
    from eligible
    inner join claimed_in_all
        on eligible.programme_id = claimed_in_all.programme_id and eligible.policy_year = claimed_in_all.policy_year
),

computed as (
    select
        counted.claim_no,
        counted.programme_id,
        counted.policy_year,
        max(rates.budget_ppm) as budget_ppm,
        max(counted.financing_left_fen) as financing_left_fen,
        {{ divided_down(
            'sum(' ~ wide('counted.counted_fen') ~ ' * counted.days * '
            ~ 'least(counted.subsidy_rate_e12, coalesce(rates.budget_ppm * 1000000, counted.subsidy_rate_e12)))',
            'max(counted.days_of_year) * 1000000000000'
        ) }} as computed_fen
    from counted
    inner join rates
        on
            counted.claim_no = rates.claim_no
            and counted.programme_id = rates.programme_id
            and counted.policy_year = rates.policy_year
    group by counted.claim_no, counted.programme_id, counted.policy_year
),

within_interest as (
    select
        eligible.*,
        computed.budget_ppm,
        computed.financing_left_fen,
        computed.computed_fen,
        least(computed.computed_fen, eligible.interest_fen) as within_interest_fen,
        {{ to_fen('programmes.contract_cap_cny') }} as contract_cap_fen,
        {{ to_fen('programmes.firm_cap_cny') }} as firm_cap_fen,
        programmes.firm_cap_group
    from eligible
    inner join programmes on eligible.programme_id = programmes.programme_id
    inner join computed
        on
            eligible.claim_no = computed.claim_no
            and eligible.programme_id = computed.programme_id
            and eligible.policy_year = computed.policy_year
),

-- A cap is used up in the order in which claims were filed.
by_contract as (
    select
        *,
        coalesce(
            sum(within_interest_fen) over (
                partition by programme_id, policy_year, lender, contract_no
                order by filed_place
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as contract_before_fen
    from within_interest
),

within_contract as (
    select
        *,
        cast(case
            when contract_cap_fen is null then within_interest_fen
            else least(within_interest_fen, greatest(contract_cap_fen - contract_before_fen, 0))
        end as bigint) as within_contract_fen
    from by_contract
),

by_firm as (
    select
        *,
        coalesce(
            sum(within_contract_fen) over (
                partition by firm_cap_group, policy_year, uscc
                order by filed_place, programme_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as firm_before_fen
    from within_contract
),

within_firm as (
    select
        *,
        cast(case
            when firm_cap_fen is null then within_contract_fen
            else least(within_contract_fen, greatest(firm_cap_fen - firm_before_fen, 0))
        end as bigint) as within_caps_fen
    from by_firm
),

by_budget as (
    select
        *,
        sum(within_caps_fen) over (partition by programme_id, policy_year) as claimed_fen,
        coalesce(
            sum(within_caps_fen) over (
                partition by programme_id, policy_year
                order by filed_place
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as budget_before_fen
    from within_firm
),

shared as (
    select
        *,
        case
            when budget_mode = 'first_come'
                then cast(least(within_caps_fen, greatest(available_fen - budget_before_fen, 0)) as bigint)
            when budget_mode = 'rate_from_budget' or claimed_fen <= available_fen then within_caps_fen
            else {{ divided_down(wide('within_caps_fen') ~ ' * available_fen', 'greatest(claimed_fen, 1)') }}
        end as rounded_down_fen,
        case
            when budget_mode = 'common_factor' and claimed_fen > available_fen
                then ({{ wide('within_caps_fen') }} * available_fen) % greatest(claimed_fen, 1)
        end as remainder
    from by_budget
),

-- What is left of the budget, fen by fen, to the largest remainders; among equals to the claim filed first.
ranked as (
    select
        *,
        case
            when remainder is not null
                then row_number() over (
                    partition by programme_id, policy_year order by remainder desc, filed_place asc
                )
        end as remainder_rank,
        available_fen - sum(rounded_down_fen) over (partition by programme_id, policy_year) as left_fen
    from shared
),

granted as (
    select
        claim_no,
        programme_id,
        policy_year,
        budget_ppm,
        financing_left_fen,
        computed_fen,
        within_interest_fen,
        within_contract_fen,
        within_caps_fen,
        rounded_down_fen + case when remainder_rank <= left_fen then 1 else 0 end as granted_fen
    from ranked
),

lines as (
    select
        entries.claim_no,
        entries.programme_id,
        entries.policy_year,
        entries.kind,
        entries.lender,
        entries.contract_no,
        entries.uscc,
        entries.claimed_on,
        entries.first_on,
        entries.until_on,
        entries.days,
        entries.titled_days,
        entries.overdue_days,
        entries.counted_days,
        entries.revenue_year,
        entries.revenue_cny,
        entries.tier,
        entries.interest_fen,
        judged.is_eligible,
        case when judged.is_eligible is not null then coalesce(granted.computed_fen, 0) end as computed_fen,
        case when judged.is_eligible is not null then coalesce(granted.within_interest_fen, 0) end as within_interest_fen,
        case when judged.is_eligible is not null then coalesce(granted.within_contract_fen, 0) end as within_contract_fen,
        case when judged.is_eligible is not null then coalesce(granted.within_caps_fen, 0) end as within_caps_fen,
        case when judged.is_eligible is not null then coalesce(granted.granted_fen, 0) end as granted_fen,
        granted.financing_left_fen,
        granted.budget_ppm,
        entries.budget_mode,
        entries.budget_fen
    from entries
    inner join judged
        on
            entries.claim_no = judged.claim_no
            and entries.programme_id = judged.programme_id
            and entries.policy_year = judged.policy_year
    left join granted
        on
            entries.claim_no = granted.claim_no
            and entries.programme_id = granted.programme_id
            and entries.policy_year = granted.policy_year
)

select * from lines
