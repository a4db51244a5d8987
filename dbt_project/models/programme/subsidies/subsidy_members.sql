{{ config(materialized='table') }}

-- One row per line: whether the enterprise is a member of the zone for it, and since when. Membership counts on the day of the
-- claim, so leaving later takes nothing away. An enterprise that ended after the first payment pays nothing back and gets no
-- more (null). Next: `subsidy_facts`.
with entries as (
    select * from {{ ref('subsidy_entries') }}
),

paid as (
    select * from {{ ref('subsidy_payments_known') }}
    where paid_fen > 0
),

register as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

states as (
    {{ landed('science', 'enterprise_states') }}
),

decided_codes as (
    select * from {{ ref('int_codes__resolved') }}
    where decided_as is not null
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- A state ends where the next one of its aspect begins, if not before.
dated as (
    select
        coalesce(decided_codes.decided_as, states.uscc) as uscc,
        states.aspect,
        states.value,
        states.valid_from,
        states.valid_to,
        lead(states.valid_from) over (
            partition by coalesce(decided_codes.decided_as, states.uscc), states.aspect
            order by states.valid_from, states.valid_to, states.value
        ) as next_from
    from states
    cross join in_force
    left join decided_codes on states.uscc = decided_codes.code
    where states.valid_from <= in_force.as_of
),

listed as (
    select distinct uscc from dated
    where aspect = 'zone_member'
),

lines as (
    select
        entries.claim_no,
        entries.programme_id,
        entries.policy_year,
        entries.uscc,
        entries.claimed_on,
        paid.first_paid_on
    from entries
    left join paid
        on
            entries.claim_no = paid.claim_no
            and entries.programme_id = paid.programme_id
            and entries.policy_year = paid.policy_year
),

asked as (
    select *, 'zone_member' as aspect, claimed_on as asked_on
    from lines
    union all
    select *, 'status' as aspect, first_paid_on as asked_on
    from lines
),

held as (
    select
        asked.claim_no,
        asked.programme_id,
        asked.policy_year,
        max(case when asked.aspect = 'zone_member' and dated.value = 'yes' then dated.valid_from end) as member_from,
        max(case when asked.aspect = 'status' then dated.value end) as status_when_paid
    from asked
    inner join dated
        on
            asked.uscc = dated.uscc
            and asked.aspect = dated.aspect
            and asked.asked_on >= dated.valid_from
            and (dated.valid_to is null or asked.asked_on <= dated.valid_to)
            and (dated.next_from is null or asked.asked_on < dated.next_from)
    group by asked.claim_no, asked.programme_id, asked.policy_year
),

-- The undated columns of the register hold for an enterprise that the dated one does not have.
of_register as (
    select
        lines.*,
        held.status_when_paid,
        register.status,
        coalesce(held.member_from, register.zone_member_from) as zone_member_from,
        coalesce(register.parent_uscc, register.uscc) = register.uscc as is_legal_person,
        case
            when listed.uscc is not null then held.member_from is not null
            else
                register.zone_member_from <= lines.claimed_on
                and (register.zone_member_to is null or register.zone_member_to >= lines.claimed_on)
        end as was_member,
        -- An enterprise that moved out is no member any more; only a date says since when.
        register.status = 'active'
        or (register.status = 'moved_out' and (listed.uscc is not null or register.zone_member_to is not null)) as is_there
    from lines
    left join register on lines.uscc = register.uscc
    left join listed on lines.uscc = listed.uscc
    left join held
        on
            lines.claim_no = held.claim_no
            and lines.programme_id = held.programme_id
            and lines.policy_year = held.policy_year
),

members as (
    select
        claim_no,
        programme_id,
        policy_year,
        zone_member_from,
        case
            when is_legal_person and was_member and is_there then true
            when first_paid_on is null then false
            when status is null then cast(null as boolean)
            when is_legal_person and was_member and coalesce(status_when_paid, 'active') in ('active', 'moved_out')
                then cast(null as boolean)
            else false
        end as is_member
    from of_register
)

select * from members
