-- The hand-written script, last part: values as rows, the line that each is on, and the three results.

create macro written(number) as rtrim(rtrim(cast(cast(number as decimal(18, 6)) as varchar), '0'), '.');

create temp table scored as
with value_row as (
    from valued unpivot include nulls ((value, status) for measure in ($pairs))
),

placed as (
    select
        value_row.uscc,
        value_row.value,
        line.segment_id,
        line.is_counted,
        line.segment,
        line.flat_worth,
        line.taken_away,
        case
            when line.is_log then round((ln(greatest(cast(value + log_offset as double), 0.000001)) - log_at_lo) / width, 8)
            when line.is_slope then cast(value - lo as double) / width
        end as way,
        line.worth_at_lo + line.rise * least(greatest(way, 0), 1) as on_slope
    from value_row
    inner join '$scorecard/lines.parquet' as line
        on
            value_row.measure = line.measure and value_row.stage = line.stage and value_row.status = line.status
            and coalesce(value_row.value, 0) between line.from_value and line.upto_value
)

select
    uscc,
    segment_id,
    value,
    cast(case
        when not is_counted then null
        when segment < 0 then 0
        else coalesce(cast(cast(on_slope as decimal(18, 12)) as decimal(18, 6)), flat_worth) - taken_away
    end as decimal(18, 6)) as points
from placed;

copy (
select uscc, indicator_code, supply_status, value, bin, points, points_maximum
from scored inner join '$scorecard/lines.parquet' using (segment_id)
) to '$out/points.parquet' (format parquet);

copy (
with summed as (
    select
        uscc,
        coalesce(sum(points), 0) as total,
        coalesce(sum(points_maximum) filter (where points is not null), 0) as available,
        bool_or(is_refused or is_veto) as is_barred
    from scored inner join '$scorecard/lines.parquet' using (segment_id)
    group by uscc
),

judged as (
    select
        summed.*,
        valued.stage,
        valued.industry_code,
        case when available > 0 then 100 * cast(greatest(total, 0) * 1000000 as double) / cast(available * 1000000 as double) end as exact_score,
        stage <> '' and not is_barred and available > 0 and available >= minimum_points_available as is_ranked
    from summed inner join valued using (uscc) cross join '$scorecard/in_force.parquet'
),

ranked as (
    select
        uscc,
        rank() over (order by exact_score desc) as rank_overall,
        rank() over (partition by stage order by exact_score desc) as rank_in_stage,
        case when industry_code is not null then rank() over (partition by industry_code order by exact_score desc) end as rank_in_industry
    from judged
    where is_ranked
)

select
    judged.uscc,
    nullif(stage, '') as stage,
    cast(total as decimal(18, 6)) as points_total,
    cast(available as decimal(18, 6)) as points_available,
    cast(cast(exact_score as decimal(18, 12)) as decimal(9, 4)) as score,
    rank_overall,
    rank_in_stage,
    rank_in_industry
from judged left join ranked using (uscc)
) to '$out/totals.parquet' (format parquet);

copy (
with costliest as (
    select scored.*, line.* exclude (segment_id)
    from scored inner join '$scorecard/lines.parquet' as line using (segment_id)
    where points < points_maximum
    qualify row_number() over (partition by uscc order by points_maximum - points desc, indicator_code) <= 4
)

select
    uscc,
    indicator_code,
    case when segment < 0 then head_zh
        else head_zh || coalesce(value_name_zh, written(value)) || middle_zh || written(points) || ' 分，满分 ' || written(points_maximum) || end_zh
    end as reason_zh,
    case when segment < 0 then head_en
        else head_en || coalesce(value_name_en, written(value)) || middle_en || written(points) || ' of ' || written(points_maximum) || end_en
    end as reason_en
from costliest
) to '$out/reasons.parquet' (format parquet);
