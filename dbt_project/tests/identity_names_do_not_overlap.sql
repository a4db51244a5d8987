-- Guards: on one day an enterprise bears one name (Q3), on every day up to the business date. The day of a change belongs to
-- both the old name and the new, and one name written in two ways (brackets, dots) is one name.
-- Why: two names at once are two enterprises under one code, or a register whose history was typed wrong; either way a patent
-- of one of them would be counted for the other.
with names as (
    {{ landed('science', 'enterprise_names') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

strictly_keyed as (
    select
        uscc,
        valid_from,
        valid_to,
        {{ match_key('name') }} as name_key
    from names
),

keyed as (
    select distinct
        uscc,
        valid_from,
        valid_to,
        {{ loose_match_key('name_key') }} as loose_key
    from strictly_keyed
),

followed as (
    select
        keyed.*,
        lead(keyed.valid_from) over (
            partition by keyed.uscc order by keyed.valid_from, keyed.valid_to, keyed.loose_key
        ) as next_from,
        lead(keyed.loose_key) over (
            partition by keyed.uscc order by keyed.valid_from, keyed.valid_to, keyed.loose_key
        ) as next_key
    from keyed
    inner join in_force on keyed.valid_from <= in_force.as_of
)

select * from followed
where
    valid_to < valid_from
    or (next_key <> loose_key and (next_from < valid_to or (next_from is not null and valid_to is null)))
