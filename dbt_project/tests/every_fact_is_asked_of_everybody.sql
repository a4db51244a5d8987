-- Guards: a fact that a condition asks for has a row of each enterprise and each case, known or not.
-- Why: who has no row would pass every condition on it.
with asked as (
    select
        fact,
        count(*) as found
    from {{ ref('facts') }}
    group by fact
),

subjects as (
    select
        (select count(*) from {{ ref('enterprise_facts') }}) + (select count(*) from {{ ref('programme_cases') }}) as wanted
),

conditions as (
    select distinct fact from {{ ref('programme_conditions') }}
)

select
    conditions.fact,
    asked.found,
    subjects.wanted
from conditions
cross join subjects
left join asked on conditions.fact = asked.fact
where asked.found is distinct from subjects.wanted
