-- One row per eligible enterprise and indicator whose rule is over the percentile among peers (`percentile_in_peer`), and none
-- for the others: in percent, how many of the other peers have less. Null where there is no value, or too few peers to be
-- compared with. From `indicator_values`; next: `placed_values`.
with asked as (
    select
        lower(indicator_code) as measure,
        coalesce(max(peer_by), 'all') as peer_by,
        coalesce(max(minimum_peers), 2) as minimum_peers
    from {{ ref('rules') }}
    where function = 'percentile_in_peer'
    group by indicator_code
),

peers as (
    select
        indicator_values.enterprise_id,
        indicator_values.measure,
        indicator_values.value,
        asked.minimum_peers,
        case when asked.peer_by in ('stage', 'stage_industry') then indicator_values.stage end as peer_stage,
        case when asked.peer_by in ('industry', 'stage_industry') then enterprises.industry_code end as peer_industry,
        -- A stage or an industry that is not known has no peers.
        (asked.peer_by not in ('stage', 'stage_industry') or indicator_values.stage <> '')
        and (asked.peer_by not in ('industry', 'stage_industry') or enterprises.industry_code is not null) as has_peers
    from {{ ref('indicator_values') }} as indicator_values
    inner join asked on indicator_values.measure = asked.measure
    inner join {{ ref('int_enterprises__staged') }} as enterprises on indicator_values.enterprise_id = enterprises.enterprise_id
),

counted as (
    select
        *,
        rank() over (partition by measure, peer_stage, peer_industry order by value nulls last) - 1 as peers_below,
        count(value) over (partition by measure, peer_stage, peer_industry) as peers
    from peers
),

placed as (
    select
        enterprise_id,
        measure,
        cast(peers as integer) as peers,
        case
            when value is not null and has_peers and peers >= greatest(minimum_peers, 2)
                then cast(cast(100.0e0 * peers_below / (peers - 1) as decimal(18, 12)) as decimal(18, 6))
        end as percentile
    from counted
)

select * from placed
