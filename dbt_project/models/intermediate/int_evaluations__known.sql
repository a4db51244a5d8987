with evaluations as (
    {{ landed('credit', 'evaluations') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
    where not is_of_branch
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'credit' and dataset = 'evaluations'
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

identified as (
    select
        coalesce(redirected.uscc, evaluations.uscc, mentions.uscc) as uscc,
        evaluations.evaluation_no,
        evaluations.grade,
        evaluations.batch_month,
        evaluations.updated_at,
        evaluations.learned_on,
        evaluations.raw_sha256,
        evaluations.raw_position
    from evaluations
    inner join in_force on evaluations.batch_month <= in_force.as_of
    left join redirected on evaluations.uscc = redirected.code
    left join mentions on evaluations.evaluation_no = mentions.record_ref
)

select * from identified
where uscc is not null
