{{ config(materialized='table') }}

{%- set newest_first = ['batch_month', 'updated_at', 'evaluation_no'] -%}
with known as (
    select * from {{ ref('int_evaluations__known') }}
),

latest as (
    select
        uscc,
        {{ latest_value('grade', newest_first, 'true') }} as grade,
        {{ latest_value('batch_month', newest_first, 'true') }} as batch_month
    from known
    group by uscc
)

select * from latest
