-- The four indicators that cost each enterprise most points, equal losses in the order of their codes.
with scores as (
    select * from {{ ref('scores') }}
),

lost as (
    select
        enterprise_id,
        line_id,
        row_number() over (partition by enterprise_id order by points_maximum - points desc, line_id asc) as loss_rank
    from scores
    where points < points_maximum
),

costliest as (
    select
        enterprise_id,
        line_id,
        cast(loss_rank as integer) as loss_rank
    from lost
    where loss_rank <= 4
)

select * from costliest
