{#- Each round doubles how far a line is followed: three go eight steps. -#}
{%- set rounds = 3 -%}
with enterprises as (
    {{ landed('science', 'enterprises') }}
),

successions as (
    {{ landed('science', 'successions') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- A branch is no legal person: its records count for its parent, by the registered link alone.
branches as (
    select
        uscc,
        parent_uscc as legal_person_uscc,
        1 as is_of_branch
    from enterprises
    where parent_uscc <> uscc
),

-- 个转企: the records of the individual business count for the company. Of two successors to one business none is chosen.
incorporated as (
    select
        successions.predecessor_uscc as uscc,
        min(successions.successor_uscc) as legal_person_uscc,
        0 as is_of_branch
    from successions
    inner join in_force on successions.effective_on <= in_force.as_of
    where successions.kind = 'incorporation' and successions.successor_uscc <> successions.predecessor_uscc
    group by successions.predecessor_uscc
    having count(distinct successions.successor_uscc) = 1
),

followed_0 as (
    select * from branches
    union all
    select incorporated.*
    from incorporated
    left join branches on incorporated.uscc = branches.uscc
    where branches.uscc is null
),

{% for round in range(rounds) %}
    followed_{{ round + 1 }} as (
        select
            followed.uscc,
            coalesce(onward.legal_person_uscc, followed.legal_person_uscc) as legal_person_uscc,
            greatest(followed.is_of_branch, coalesce(onward.is_of_branch, 0)) as is_of_branch
        from followed_{{ round }} as followed
        left join followed_{{ round }} as onward on followed.legal_person_uscc = onward.uscc
    ),
{% endfor %}

-- A line that has not come to its end by then runs in a circle: no enterprise counts for those on it.
ended as (
    select
        followed.uscc,
        case when onward.uscc is null then followed.legal_person_uscc end as legal_person_uscc,
        followed.is_of_branch = 1 as is_of_branch,
        onward.uscc is not null as is_endless
    from followed_{{ rounds }} as followed
    left join followed_0 as onward on followed.legal_person_uscc = onward.uscc
)

select * from ended
