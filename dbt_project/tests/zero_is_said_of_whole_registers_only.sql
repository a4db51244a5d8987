-- Guards: Q11: a value is 0 without any record only where each of its inputs was supplied and covers all enterprises.
-- Why: missing is not zero. An agency that sent nothing would otherwise cost every enterprise its points.
with scored as (
    select * from {{ ref('points') }}
),

evidence as (
    select * from {{ ref('evidence') }}
),

inputs as (
    select * from {{ ref('ruleset_inputs') }}
),

supply as (
    select * from {{ ref('supply') }}
),

in_part as (
    select distinct
        inputs.ruleset_id,
        inputs.indicator_code
    from inputs
    left join supply on inputs.source = supply.source and inputs.dataset = supply.dataset
    where supply.source is null or not supply.is_supplied or supply.coverage <> 'full'
),

with_records as (
    select distinct
        uscc,
        indicator_code
    from evidence
),

made_up as (
    select
        scored.uscc,
        scored.indicator_code
    from scored
    inner join in_part
        on
            scored.ruleset_id = in_part.ruleset_id
            and scored.indicator_code = in_part.indicator_code
    left join with_records
        on
            scored.uscc = with_records.uscc
            and scored.indicator_code = with_records.indicator_code
    where scored.value = 0 and with_records.uscc is null
)

select * from made_up
