{{ config(meta={'whose': 'config'}) }}
-- Guards: each indicator of the rule set in force is measured by exactly one column of an ind_ model, and each such column
-- is an indicator of some rule set of its scheme.
-- Why: the scoring knows no list of indicators. A column misspelt, or rows forgotten in the seed, would otherwise show as
-- "value not supplied" for all enterprises, or as a figure that is computed and never scored.
with measured as (
    {{ measured_indicators() }}
),

listed as (
    select * from {{ ref('indicators') }}
),

-- Indicators of an earlier or a later rule set of the scheme are measured too, and not scored.
known as (
    select distinct ruleset_indicators.indicator_code
    from {{ ref('ruleset_indicators') }} as ruleset_indicators
    inner join {{ ref('rulesets') }} as rulesets on ruleset_indicators.ruleset_id = rulesets.ruleset_id
    where rulesets.scheme = {{ scheme() }}
),

found as (
    select
        indicator_code,
        1 as columns_found,
        0 as rows_found
    from measured
    union all
    select
        indicator_code,
        0 as columns_found,
        1 as rows_found
    from listed
),

counted as (
    select
        indicator_code,
        sum(columns_found) as columns_found,
        sum(rows_found) as rows_found
    from found
    group by indicator_code
)

select * from counted
where
    columns_found > 1
    or (rows_found = 1 and columns_found = 0)
    or indicator_code not in (select known.indicator_code from known)
