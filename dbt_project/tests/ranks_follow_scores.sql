-- Guards: a rank is one more than the number of ranked peers with a higher score, overall and within the stage; two scores are
-- equal only if they are before they are rounded. And an enterprise that is not ranked has a reason.
-- Why: housing, honours and loan offers hang on the rank; a tie broken by chance could not be explained.
with rankings as (
    select
        *,
        greatest(cast(cast(cast(points_total as decimal(38, 6)) * 1000000 as bigint) as double), 0)
        / cast(cast(cast(points_available as decimal(38, 6)) * 1000000 as bigint) as double) as part
    from {{ ref('rankings') }}
),

recounted as (
    select
        *,
        (count(*) over (order by part desc)) - (count(*) over (partition by part)) + 1 as expected_overall,
        (count(*) over (partition by stage order by part desc)) - (count(*) over (partition by stage, part)) + 1
            as expected_in_stage
    from rankings
    where is_ranked
)

select uscc from recounted
where rank_overall <> expected_overall or rank_in_stage <> expected_in_stage or rank_overall > peers_overall
union all
select uscc from rankings
where is_ranked <> (unranked_reason is null) or is_ranked <> (rank_overall is not null) or (is_ranked and score is null)
