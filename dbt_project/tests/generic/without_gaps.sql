{#-
    Segments [lo, hi) of a group follow each other with neither gap nor overlap, and cover everything: the first is open
    below, the last open above, and each begins where the one before it ends. A null bound is open.
-#}
{% test without_gaps(model, per, lo, hi) %}
    with ordered as (
        select
            {{ per | join(', ') }},
            {{ lo }} as lo,
            {{ hi }} as hi,
            row_number() over group_order as place,
            count(*) over (partition by {{ per | join(', ') }}) as places,
            lag({{ hi }}) over group_order as hi_before
        from {{ model }}
        window group_order as (partition by {{ per | join(', ') }} order by {{ lo }} nulls first)
    )

    select *
    from ordered
    where
        (place = 1 and lo is not null)
        or (place > 1 and (lo is null or hi_before is null or lo <> hi_before))
        or (place = places and hi is not null)
        or lo >= hi
{% endtest %}
