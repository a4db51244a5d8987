with explained as (
    select * from {{ ref('explained') }}
    where loss_rank is not null
),

chosen as (
    select
        uscc,
        loss_rank,
        indicator_code,
        points_lost,
        reason_zh,
        reason_en,
        change_zh,
        change_en
    from explained
)

select * from chosen
