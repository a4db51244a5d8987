-- The columns of the rank intervals, without a row: a thousand draws are arrays, so `editions/rank_intervals.py` fills the
-- table after the build. What they are made from is named here.
-- depends_on: {{ ref('points') }}
with rankings as (
    select * from {{ ref('rankings') }}
),

columns_of_intervals as (
    select
        rankings.uscc,
        rankings.stage,
        rankings.rank_overall,
        cast(null as integer) as rank_overall_q5,
        cast(null as integer) as rank_overall_q50,
        cast(null as integer) as rank_overall_q95,
        rankings.rank_in_stage,
        cast(null as integer) as rank_in_stage_q5,
        cast(null as integer) as rank_in_stage_q50,
        cast(null as integer) as rank_in_stage_q95,
        bands.band_no,
        cast(null as decimal(4, 1)) as band_kept_pct,
        cast(null as integer) as draws
    from rankings
    cross join {{ ref('public_list') }} as bands
    where 1 = 0
)

select * from columns_of_intervals
