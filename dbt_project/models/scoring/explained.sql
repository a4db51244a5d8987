-- The points of each value in one sentence of Chinese and of English, and what would change them.
with scores as (
    select * from {{ ref('scores') }}
),

-- The four indicators that cost each enterprise most points, equal losses in the order of their codes.
lost as (
    select
        enterprise_id,
        segment_id,
        row_number() over (partition by enterprise_id order by points_maximum - points desc, segment_id asc) as loss_rank
    from scores
    where points < points_maximum
),

costliest as (
    select
        enterprise_id,
        segment_id,
        cast(loss_rank as integer) as loss_rank
    from lost
    where loss_rank <= 4
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

segments as (
    select * from {{ ref('segments') }}
),

texts as (
    select * from {{ ref('segment_texts') }}
),

joined as (
    select
        enterprises.uscc,
        segments.indicator_code,
        segments.segment,
        scores.points,
        scores.points_maximum,
        scores.points is not null as is_counted,
        costliest.loss_rank,
        scores.peers,
        texts.*,
        coalesce(texts.next_total, cast(cast(texts.next_share as decimal(38, 10)) * scores.points_maximum as decimal(18, 6)))
        - scores.points as gain,
        case when segments.segment >= 0 then {{ plain_number('scores.value') }} else '' end as value_text,
        {{ plain_number('scores.percentile') }} as percentile_text,
        {{ plain_number('scores.points') }} as points_text,
        {{ plain_number('scores.points_maximum') }} as maximum_text
    from scores
    left join costliest on scores.enterprise_id = costliest.enterprise_id and scores.segment_id = costliest.segment_id
    inner join enterprises on scores.enterprise_id = enterprises.enterprise_id
    inner join segments on scores.segment_id = segments.segment_id
    inner join texts on scores.segment_id = texts.segment_id
),

valued as (
    select
        *,
        coalesce(value_name_zh, value_text) as value_zh,
        coalesce(value_name_en, value_text) as value_en,
        case when peers is null then '' else concat('（', peers, ' 家同类中第 ', percentile_text, ' 百分位）') end as peers_zh,
        case when peers is null then '' else concat(' (percentile ', percentile_text, ' of ', peers, ' peers)') end as peers_en,
        case when gain > 0 then cast(gain as decimal(18, 6)) end as next_points
    from joined
),

numbered as (
    select
        *,
        {{ plain_number('next_points') }} as next_text
    from valued
),

explained as (
    select
        uscc,
        indicator_code,
        points,
        cast(case when is_counted then points_maximum - points else 0 end as decimal(18, 6)) as points_lost,
        points_maximum,
        is_counted,
        loss_rank,
        case when next_points > 0 then next_at end as next_at,
        next_points,
        case
            when segment > 0 and is_counted
                then concat(head_zh, value_zh, peers_zh, middle_zh, points_text, ' 分，满分 ', maximum_text, end_zh)
            else concat(head_zh, value_zh, uncounted_zh)
        end as reason_zh,
        case
            when segment > 0 and is_counted
                then concat(head_en, value_en, peers_en, middle_en, points_text, ' of ', maximum_text, end_en)
            else concat(head_en, value_en, uncounted_en)
        end as reason_en,
        case
            when next_points > 0
                then concat('若由 ', coalesce(percentile_text, value_zh), change_zh, next_text, ' 分。')
            when segment < 0 then change_zh
        end as change_zh,
        case
            when next_points > 0
                then concat(
                    'From ',
                    coalesce(percentile_text, value_en),
                    change_en,
                    next_text,
                    case when next_text = '1' then ' point more.' else ' points more.' end
                )
            when segment < 0 then change_en
        end as change_en
    from numbered
)

select * from explained
