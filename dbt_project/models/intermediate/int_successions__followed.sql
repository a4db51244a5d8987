{{ config(materialized='table') }}

{#- Each round doubles how far a succession is followed: three go eight steps. -#}
{%- set rounds = 3 -%}
with successions as (
    {{ landed('science', 'successions') }}
),

codes as (
    select * from {{ ref('int_codes__redirected') }}
),

-- A branch settles and is graded as a part of its legal person: a figure of the part never counts for the whole.
filers as (
    select * from codes
    where not is_of_branch
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- A successor is scored as its legal person; a predecessor's returns were filed under the code that they count for.
steps as (
    select distinct
        coalesce(codes.uscc, successions.successor_uscc) as uscc,
        coalesce(filers.uscc, successions.predecessor_uscc) as predecessor_uscc,
        successions.kind,
        successions.effective_on
    from successions
    inner join in_force
        on
            successions.effective_on between in_force.year_start_on and in_force.year_end_on
            and successions.effective_on <= in_force.as_of
    left join codes on successions.successor_uscc = codes.code
    left join filers on successions.predecessor_uscc = filers.code
    where
        successions.kind in ('absorption', 'new_set_merger', 'split')
        and successions.successor_uscc <> successions.predecessor_uscc
),

followed_0 as (
    select
        uscc,
        predecessor_uscc,
        effective_on as first_on,
        effective_on as last_on,
        case when kind = 'split' then 1 else 0 end as has_split,
        case when kind = 'absorption' then 0 else 1 end as is_new,
        1 as steps
    from steps
    where uscc <> predecessor_uscc
),

-- Predecessors of predecessors: what a predecessor had absorbed before it was taken over, not what came to it afterwards.
{% for round in range(rounds) %}
    followed_{{ round + 1 }} as (
        select * from followed_{{ round }}
        union distinct
        select
            later.uscc,
            earlier.predecessor_uscc,
            earlier.first_on,
            later.last_on,
            greatest(earlier.has_split, later.has_split) as has_split,
            later.is_new,
            earlier.steps + later.steps as steps
        from followed_{{ round }} as later
        inner join followed_{{ round }} as earlier
            on later.predecessor_uscc = earlier.uscc and later.first_on >= earlier.last_on
    ),
{% endfor %}

merged_anew as (
    select distinct uscc from steps
    where kind = 'new_set_merger'
),

related as (
    select
        followed.uscc,
        followed.predecessor_uscc,
        -- A company made by a split or by a merger has no year before this one; nor is there one to compare with where a part
        -- of another company came in by a predecessor's split.
        max(greatest(followed.is_new, followed.has_split)) = 1 as is_first_year,
        -- A company that a merger of the same year made had no year before: those it was made of are used.
        min(case when merged_anew.uscc is null then 1 else 0 end) = 1 as is_in_base,
        -- In a circle, or beyond the steps that are followed, it is not known who took over whom.
        max(case when followed.uscc = followed.predecessor_uscc or followed.steps >= {{ 2 ** rounds }} then 1 else 0 end) = 1
            as is_endless
    from followed_{{ rounds }} as followed
    left join merged_anew on followed.predecessor_uscc = merged_anew.uscc
    group by followed.uscc, followed.predecessor_uscc
)

select * from related
