-- The list that a zone may publish: enterprises within the first percent of the ranked of a stage, without points or ranks.
-- Equal scores share a rank, so a band may hold more than its percent; with few peers it may be empty.
with rankings as (
    select * from {{ ref('rankings') }}
    where is_ranked
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

lists as (
    select public_lists.*
    from {{ ref('public_lists') }} as public_lists
    cross join in_force
    where
        in_force.as_of >= public_lists.valid_from
        and (public_lists.valid_to is null or in_force.as_of <= public_lists.valid_to)
),

bands as (
    select * from {{ ref('public_list_bands') }}
),

within as (
    select
        rankings.uscc,
        rankings.enterprise_name,
        rankings.stage,
        rankings.as_of,
        rankings.ruleset_id,
        lists.list_id,
        lists.version,
        lists.name_zh,
        lists.name_en,
        lists.publicity_days,
        lists.objections_to,
        bands.band_no,
        bands.name_zh as band_zh,
        bands.name_en as band_en,
        row_number() over (partition by rankings.uscc, lists.list_id order by bands.band_no) as narrowness
    from rankings
    cross join lists
    inner join bands
        on
            lists.list_id = bands.list_id
            and lists.version = bands.version
            and rankings.rank_in_stage
            <= {{ divided_down('rankings.peers_in_stage * cast(bands.top_pct * 10000 as bigint)', 1000000) }}
),

narrowest as (
    select
        list_id,
        version,
        name_zh,
        name_en,
        stage,
        band_no,
        band_zh,
        band_en,
        uscc,
        enterprise_name,
        as_of,
        ruleset_id,
        publicity_days,
        objections_to
    from within
    where narrowness = 1
)

select * from narrowest
