{%- set counted = [
    'int_counted__innovation',
    'int_counted__auxiliary',
    'int_counted__talents',
    'int_counted__platforms',
    'int_counted__achievements',
    'int_counted__contests',
    'int_counted__credit',
    'int_evidence__held',
] -%}
with indicators as (
    select * from {{ ref('indicators') }}
),

inputs as (
    select * from {{ ref('ruleset_inputs') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

one_each as (
    select * from {{ ref('int_evidence__tax') }}
    union all
    select * from {{ ref('int_evidence__reported') }}
),

-- Of a dataset that has one record of an enterprise and year, that record is what each indicator used that takes it for input.
used as (
    select
        one_each.uscc,
        inputs.indicator_code,
        one_each.source,
        one_each.dataset,
        one_each.record_ref,
        one_each.dated_on,
        one_each.learned_on,
        cast(null as decimal(20, 6)) as quantity,
        one_each.level,
        one_each.raw_sha256,
        one_each.raw_position
    from one_each
    inner join inputs
        on
            one_each.source = inputs.source
            and one_each.dataset = inputs.dataset
            and one_each.years_back = inputs.years_back
    inner join indicators
        on inputs.ruleset_id = indicators.ruleset_id and inputs.indicator_code = indicators.indicator_code
),

-- Of the others, the very records that were counted.
records as (
    select * from used
    {% for relation in counted %}
        union all
        select
            uscc,
            indicator_code,
            source,
            dataset,
            record_ref,
            dated_on,
            learned_on,
            quantity,
            level,
            raw_sha256,
            raw_position
        from {{ ref(relation) }}
    {% endfor %}
),

evidence as (
    select records.*
    from records
    inner join enterprises on records.uscc = enterprises.uscc
    inner join indicators on records.indicator_code = indicators.indicator_code
)

select * from evidence
