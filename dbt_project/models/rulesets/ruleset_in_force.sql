-- One row: the rule set that applies on the business date, and the days that bound its windows. From `rulesets.csv`, the active
-- one of the scheme `points` whose days, `valid_from` to `valid_to`, include that date; next: the models beside this one keep
-- the rows of that rule set alone.
{#- `jifen score` names a rule set, and it applies whatever its days and scheme; a night names none. -#}
{%- set asked = var('ruleset', env_var('JIFEN_RULESET', '')) %}
with rulesets as (
    select * from {{ ref('rulesets') }}
),

business_date as (
    select {{ as_of() }} as as_of
),

in_force as (
    select
        rulesets.*,
        business_date.as_of,
        cast(extract(year from business_date.as_of) as integer) as as_of_year
    from rulesets
    cross join business_date
    where
        {%- if asked %}
        rulesets.ruleset_id = '{{ asked | replace("'", "''") }}'
        {%- else %}
        rulesets.status = 'active'
        and rulesets.scheme = {{ scheme() }}
        and rulesets.valid_from <= business_date.as_of
        and (rulesets.valid_to is null or rulesets.valid_to >= business_date.as_of)
        {%- endif %}
),

reporting as (
    select
        *,
        -- Annual returns are due on this day: only after it is last year the newest year with complete returns.
        case
            when as_of > cast(cast(as_of_year as varchar) || '-' || annual_data_due as date) then as_of_year - 1
            else as_of_year - 2
        end as reporting_year
    from in_force
),

bounded as (
    select
        *,
        cast(cast(reporting_year - 1 as varchar) || '-01-01' as date) as prior_year_start_on,
        cast(cast(reporting_year as varchar) || '-01-01' as date) as year_start_on,
        cast(cast(reporting_year as varchar) || '-12-01' as date) as december_start_on,
        cast(cast(reporting_year as varchar) || '-12-31' as date) as year_end_on
    from reporting
),

dated as (
    select
        ruleset_id,
        title_zh,
        title_en,
        provenance,
        aggregation,
        points_scale,
        minimum_points_available,
        as_of,
        reporting_year,
        prior_year_start_on,
        year_start_on,
        december_start_on,
        year_end_on,
        {{ months_before('year_end_on', 'young_firm_months') }} as young_if_founded_after_on,
        {{ months_before('as_of', '24') }} as two_years_before_as_of_on
    from bounded
)

select * from dated
