-- The hand-written script, last part: the three results, from the wide `scored` and what each ending means.

create macro written(number) as rtrim(rtrim(cast(cast(number as decimal(18, 6)) as varchar), '0'), '.');

copy (
select
    long.uscc,
    ending.indicator_code,
    ending.supply_status,
    long.value,
    ending.bin,
    millionths(long.points) as points,
    ending.points_maximum
from (select uscc, unnest(vals) as value, unnest(endings) as number, unnest(points) as points from scored) as long
inner join ending using (number)
) to '$out/points.parquet' (format parquet);

copy (
with judged as (
    select *, stage_no > 0 and not is_refused and not is_vetoed and available >= $minimum as is_ranked,
        case when available > 0 then cast((2000000 * greatest(total, 0) + available) // (2 * available) * 0.0001 as decimal(9, 4)) end as score,
        greatest(total, 0) / available as exact_score
    from scored
),

ranked as (
    select uscc, rank() over (order by exact_score desc) as rank_overall, rank() over (partition by stage_no order by exact_score desc) as rank_in_stage,
        rank() over (partition by industry_code order by exact_score desc) as rank_in_industry
    from judged
    where is_ranked
)

select
    judged.uscc,
    $stages[stage_no] as stage,
    millionths(total) as points_total,
    millionths(available) as points_available,
    score,
    rank_overall,
    rank_in_stage,
    case when industry_code is not null then rank_in_industry end as rank_in_industry
from judged
left join ranked using (uscc)
) to '$out/totals.parquet' (format parquet);

copy (
with costliest as (
    select uscc, unnest(max(loss, $costliest)) as loss from (select uscc, unnest(losses) as loss from scored) group by uscc
),

-- A loss is in millionths, and in its last six bits the place of the indicator, from the end.
chosen as (
    select uscc, vals[64 - loss % 64] as value, endings[64 - loss % 64] as number, points[64 - loss % 64] as points
    from costliest
    inner join scored using (uscc)
    where loss >= 64
)

select
    chosen.uscc,
    ending.indicator_code,
    zh[1] || case when says_value then written(value) else '' end || zh[2] || case when zh[3] <> '' then written(points * 0.000001) else '' end || zh[3] as reason_zh,
    en[1] || case when says_value then written(value) else '' end || en[2] || case when en[3] <> '' then written(points * 0.000001) else '' end || en[3] as reason_en
from chosen
inner join ending using (number)
) to '$out/reasons.parquet' (format parquet);
