-- Guards: a rank is one more than the number of ranked peers with a higher score, overall and within the stage, and an
-- enterprise that is not ranked says why.
-- Why: housing, honours and loan offers hang on the rank; a tie broken by chance could be explained to nobody.
with rankings as (
    select * from {{ ref('rankings') }}
),

recounted as (
    select
        *,
        (count(*) over (order by score desc)) - (count(*) over (partition by score)) + 1 as expected_overall,
        (count(*) over (partition by stage order by score desc))
        - (count(*) over (partition by stage, score)) + 1 as expected_in_stage
    from rankings
    where is_ranked
)

select uscc from recounted
where rank_overall <> expected_overall or rank_in_stage <> expected_in_stage or rank_overall > peers_overall
union all
select uscc from rankings
where is_ranked <> (unranked_reason is null) or is_ranked <> (rank_overall is not null) or (is_ranked and score is null)
