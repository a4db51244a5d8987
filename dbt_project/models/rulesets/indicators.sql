-- One row per indicator of the rule set in force: names, unit, class, and the datasets it is made of. From
-- `ruleset_indicators.csv` and `ruleset_inputs.csv`; next: `scoring/measures` and `segments`.
with catalogue as (
    select * from {{ ref('ruleset_indicators') }}
),

inputs as (
    select * from {{ ref('ruleset_inputs') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

datasets as (
    select distinct
        ruleset_id,
        indicator_code,
        source || '.' || dataset as dataset
    from inputs
),

sources as (
    select
        ruleset_id,
        indicator_code,
        {{ joined_text('dataset', ', ') }} as sources
    from datasets
    group by ruleset_id, indicator_code
),

described as (
    select
        catalogue.*,
        sources.sources,
        in_force.title_zh as ruleset_title_zh,
        in_force.title_en as ruleset_title_en,
        in_force.provenance as ruleset_provenance,
        in_force.as_of,
        in_force.reporting_year
    from catalogue
    inner join in_force on catalogue.ruleset_id = in_force.ruleset_id
    left join sources
        on catalogue.ruleset_id = sources.ruleset_id and catalogue.indicator_code = sources.indicator_code
)

select * from described
