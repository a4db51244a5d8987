{{ config(materialized='table') }}

with enterprises as (
    {{ landed('science', 'enterprises') }}
),

lines as (
    select * from {{ ref('int_enterprises__lines') }}
),

decisions as (
    select * from {{ ref('stg_pipeline__identity_decisions') }}
),

-- An enterprise on a line without an end counts for itself alone; a business that the register no longer lists is known by the
-- end of its line.
scored as (
    select
        enterprises.uscc as code,
        enterprises.registration_no,
        coalesce(lines.legal_person_uscc, enterprises.uscc) as uscc,
        coalesce(lines.is_of_branch, false) as is_of_branch
    from enterprises
    left join lines on enterprises.uscc = lines.uscc
    union all
    select
        lines.uscc as code,
        cast(null as varchar) as registration_no,
        lines.legal_person_uscc as uscc,
        lines.is_of_branch
    from lines
    left join enterprises on lines.uscc = enterprises.uscc
    where enterprises.uscc is null and lines.legal_person_uscc is not null
),

-- Positions 9 to 17 are the organisation code; the old tax number puts the six digits of the first registry before it.
other_codes as (
    select
        substr(code, 9, 9) as code,
        uscc,
        is_of_branch
    from scored
    union all
    select
        substr(code, 3, 6) || substr(code, 9, 9) as code,
        uscc,
        is_of_branch
    from scored
    union all
    select
        registration_no as code,
        uscc,
        is_of_branch
    from scored
    -- A unified code in this column, its own or another's, is no registration number.
    where length(registration_no) = 15
),

-- A code of two enterprises identifies neither, and an enterprise's own code identifies no other: when in doubt, report
-- "unknown", not 0.
unequivocal as (
    select
        other_codes.code,
        min(other_codes.uscc) as uscc,
        max(case when other_codes.is_of_branch then 1 else 0 end) = 1 as is_of_branch
    from other_codes
    left join scored on other_codes.code = scored.code
    where scored.code is null
    group by other_codes.code
    having min(other_codes.uscc) = max(other_codes.uscc)
),

known as (
    select
        code,
        uscc,
        is_of_branch,
        cast(null as varchar) as decided_as,
        false as is_decided
    from scored
    union all
    select
        code,
        uscc,
        is_of_branch,
        cast(null as varchar) as decided_as,
        false as is_decided
    from unequivocal
),

-- Decisions about names and agencies' own numbers are in the same file: a code is what has the length of one in a dataset keyed
-- by code. A decision settles what the register leaves open, such as a code that two share, and overrides nothing else. A code
-- counts for no enterprise where its decisions contradict each other or one names a code that has left the register.
settled as (
    select
        decisions.identifier as code,
        min(decided_for.uscc) as uscc,
        max(case when decided_for.is_of_branch then 1 else 0 end) = 1 as is_of_branch,
        case when min(decided_for.code) = max(decided_for.code) then min(decided_for.code) end as decided_as,
        true as is_decided
    from decisions
    left join scored as decided_for on decisions.uscc = decided_for.code
    left join known on decisions.identifier = known.code
    where
        -- An organisation code, an old tax or registration number, a unified code: any other length is an agency's own number.
        length(decisions.identifier) in (9, 15, 18)
        and known.code is null
        and decisions.is_of_code
    group by decisions.identifier
    having min(decided_for.uscc) = max(decided_for.uscc) and count(decided_for.uscc) = count(*)
),

resolved as (
    select * from known
    union all
    select * from settled
)

select * from resolved
