with arrears as (
    select * from {{ ref('stg_tax__arrears') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- Tax announced as owed and not paid by the business date, what a branch owes with what its legal person does.
open_arrears as (
    select
        coalesce(redirected.uscc, arrears.uscc) as uscc,
        count(*) as announcement_count,
        cast(sum(arrears.balance_cny) as decimal(20, 2)) as balance_cny
    from arrears
    inner join in_force
        on
            arrears.announced_on <= in_force.as_of
            and (arrears.cleared_on is null or arrears.cleared_on > in_force.as_of)
    left join redirected on arrears.uscc = redirected.code
    where arrears.balance_cny > 0
    group by coalesce(redirected.uscc, arrears.uscc)
)

select * from open_arrears
