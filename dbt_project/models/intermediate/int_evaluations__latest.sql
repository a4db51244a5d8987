{{ config(materialized='table') }}

{%- set newest_first = ['batch_month', 'updated_at', 'record_ref'] -%}
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
        evaluations.evaluation_no as record_ref,
        evaluations.grade,
        evaluations.batch_month,
        evaluations.updated_at
    from evaluations
    inner join in_force on evaluations.batch_month <= in_force.as_of
    left join redirected on evaluations.uscc = redirected.code
    left join mentions on evaluations.evaluation_no = mentions.record_ref
),

latest as (
    select
        uscc,
        {{ latest_value('grade', newest_first, 'true') }} as grade,
        {{ latest_value('batch_month', newest_first, 'true') }} as batch_month,
        {{ latest_value('record_ref', newest_first, 'true') }} as record_ref
    from identified
    where uscc is not null
    group by uscc
)

select * from latest
