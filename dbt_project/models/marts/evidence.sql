{%- set counted = [
    'int_counted__innovation',
    'int_counted__auxiliary',
    'int_counted__talents',
    'int_counted__platforms',
    'int_counted__achievements',
    'int_counted__credit',
] -%}
{#- Datasets with one record of an enterprise and year: which one is used, and of the records their key, day and level. -#}
{%- set used_once = [
    ('tax', 'statements', 0, 'int_filings__latest', 'record_ref'),
    ('tax', 'statements', 1, 'int_filings__latest', 'prior_record_ref'),
    ('tax', 'rd_deductions', 0, 'int_deductions__latest', 'record_ref'),
    ('tax', 'credit_grades', 0, 'int_grades__latest', 'record_ref'),
    ('science', 'torch_reports', 0, 'int_torch__reported', 'record_ref'),
    ('credit', 'evaluations', 0, 'int_evaluations__latest', 'record_ref'),
] -%}
{%- set records_of = [
    ('tax', 'statements', ['uscc', 'fiscal_year', 'filed_on'], 'filed_on', none),
    ('tax', 'rd_deductions', ['uscc', 'fiscal_year', 'filed_on'], 'filed_on', none),
    ('tax', 'credit_grades', ['uscc', 'evaluation_year', 'published_on'], 'published_on', 'grade'),
    ('science', 'torch_reports', ['uscc', 'fiscal_year'], 'reported_on', none),
    ('credit', 'evaluations', ['evaluation_no'], 'batch_month', 'grade'),
    ('talent', 'headcounts', ['unit_no', 'month'], 'month', none),
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

successions as (
    select * from {{ ref('int_successions__followed') }}
    where is_in_base and not is_first_year and not is_endless
),

headcounts as (
    select * from {{ ref('int_headcounts__known') }}
),

units as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and dataset = 'headcounts' and uscc is not null
),

last_headcounts as (
    select
        unit_no,
        years_back,
        max(month) as month
    from headcounts
    group by unit_no, years_back
),

own as (
    select
        units.uscc,
        'talent' as source,
        'headcounts' as dataset,
        last_headcounts.years_back,
        {{ record_ref('last_headcounts', ['unit_no', 'month']) }} as record_ref
    from last_headcounts
    inner join units on last_headcounts.unit_no = units.record_ref
    {% for source_name, dataset, years_back, relation, column in used_once %}
        union all
        select
            uscc,
            '{{ source_name }}' as source,
            '{{ dataset }}' as dataset,
            {{ years_back }} as years_back,
            {{ column }} as record_ref
        from {{ ref(relation) }}
    {% endfor %}
),

-- What was merged into the enterprise in the year is in the base of its growth.
used as (
    select * from own
    union all
    select
        successions.uscc,
        own.source,
        own.dataset,
        own.years_back,
        own.record_ref
    from successions
    inner join own on successions.predecessor_uscc = own.uscc and own.years_back = 1
),

landed_records as (
    {% for source_name, dataset, key, dated_on, level in records_of %}
        select
            '{{ source_name }}' as source,
            '{{ dataset }}' as dataset,
            {{ record_ref('landed', key) }} as record_ref,
            landed.{{ dated_on }} as dated_on,
            landed.learned_on,
            {{ 'landed.' ~ level if level else 'cast(null as varchar)' }} as level,
            landed.raw_sha256,
            landed.raw_position
        from ({{ landed(source_name, dataset) }}) as landed
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

one_each as (
    select
        used.uscc,
        used.years_back,
        landed_records.*
    from used
    inner join landed_records
        on
            used.source = landed_records.source
            and used.dataset = landed_records.dataset
            and used.record_ref = landed_records.record_ref
    union all
    select
        uscc,
        0 as years_back,
        'science' as source,
        'business_scopes' as dataset,
        declared_under || '|' || ipc_subclass as record_ref,
        cast(null as date) as dated_on,
        learned_on,
        ipc_subclass as level,
        raw_sha256,
        raw_position
    from {{ ref('int_scopes__declared') }}
),

-- Of a dataset that has one record of an enterprise and year, that record is what each indicator used that takes it for input.
used_for as (
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

-- For the others, exactly the records that were counted.
records as (
    select * from used_for
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
