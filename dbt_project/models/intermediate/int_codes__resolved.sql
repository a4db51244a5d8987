{{ config(materialized='table') }}

with enterprises as (
    select * from {{ ref('stg_science__enterprises') }}
),

successions as (
    select * from {{ ref('int_enterprises__successions') }}
),

decisions as (
    select * from {{ ref('stg_pipeline__identity_decisions') }}
),

-- 个转企: the company answers for what the individual business did. Two successors to one business are nobody's to choose from.
incorporated as (
    select
        predecessor_uscc as uscc,
        min(uscc) as company_uscc
    from successions
    where kind = 'incorporation'
    group by predecessor_uscc
    having count(distinct uscc) = 1
),

spine as (
    select
        uscc,
        registration_no,
        -- A branch is no legal person: what it does is its parent's, by the registered link alone.
        coalesce(parent_uscc, uscc) as legal_person_uscc
    from enterprises
    union all
    select
        incorporated.uscc,
        cast(null as varchar) as registration_no,
        incorporated.uscc as legal_person_uscc
    from incorporated
    left join enterprises on incorporated.uscc = enterprises.uscc
    where enterprises.uscc is null
),

scored as (
    select
        spine.uscc as code,
        spine.registration_no,
        coalesce(incorporated.company_uscc, spine.legal_person_uscc) as uscc
    from spine
    left join incorporated on spine.legal_person_uscc = incorporated.uscc
),

-- Positions 9 to 17 are the organisation code; the old tax number puts the six digits of the first registry before it.
other_codes as (
    select
        substr(code, 9, 9) as code,
        uscc
    from scored
    union all
    select
        substr(code, 3, 6) || substr(code, 9, 9) as code,
        uscc
    from scored
    union all
    select
        registration_no as code,
        uscc
    from scored
    where registration_no is not null
),

-- A code that would mean two enterprises means neither.
unequivocal as (
    select
        code,
        min(uscc) as uscc
    from other_codes
    group by code
    having min(uscc) = max(uscc)
),

known as (
    select
        code,
        uscc
    from scored
    union all
    select
        code,
        uscc
    from unequivocal
),

-- Names and agencies' own numbers are decided in the same file: a code is what is as long as one and is decided of a dataset
-- keyed by code. A person settles what the register leaves open, one code that two share among it, and unseats nothing else.
settled as (
    select
        decisions.identifier as code,
        min(decided_for.uscc) as uscc
    from decisions
    inner join scored as decided_for on decisions.uscc = decided_for.code
    left join known on decisions.identifier = known.code
    where
        length(decisions.identifier) in (9, 15, 18)
        and known.code is null
        and decisions.source || '.' || decisions.dataset in (
            'credit.events', 'credit.evaluations', 'tax.statements', 'tax.rd_deductions', 'tax.vat_returns',
            'tax.credit_grades', 'tax.arrears'
        )
    group by decisions.identifier
    having min(decided_for.uscc) = max(decided_for.uscc)
),

resolved as (
    select * from known
    union all
    select * from settled
)

select * from resolved
