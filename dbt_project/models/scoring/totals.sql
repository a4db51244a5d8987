{#- Sums of whole millionths, then decimals; what best-of indicators are out of counts once, with the one that counts. -#}
-- depends_on: {{ ref('scorecard_lines') }}, {{ ref('gaps') }}, {{ ref('groups') }}, {{ ref('ruleset_in_force') }}
{%- set indicators = scorecard() %}
{%- set is_mean = scored_as_mean() %}
with scores as (
    select * from {{ ref('scores') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

summed as (
    select
        uscc,
        stage,
        refused_count,
        veto_count,
        {{ sum_of_points(indicators) }} as points_total,
        {{ sum_of_points(indicators | selectattr('module', 'equalto', 'core') | list) }} as core_points,
        {{ sum_of_points(indicators | selectattr('module', 'equalto', 'local') | list) }} as local_points,
        {{ sum_of_maxima(indicators, is_mean, only_counted=true) }} as points_available,
        {{ sum_of_assessable(indicators, is_mean) }} as points_assessable,
        {{ sum_of_maxima(indicators, is_mean, only_counted=false) }} as points_maximum
    from scores
),

judged as (
    select
        summed.uscc,
        summed.stage,
        in_force.ruleset_id,
        in_force.as_of,
        in_force.reporting_year,
        {% for column in ['points_total', 'core_points', 'local_points', 'points_available', 'points_maximum'] -%}
        {{ millionths('summed.' ~ column) }} as {{ column }},
        {% endfor -%}
        -- In percent to four digits; points taken away may leave less than nothing, which is a score of 0.
        case
            when summed.points_available > 0
                then cast(
                    {{ whole_quotient(
                        '2000000 * cast(greatest(summed.points_total, 0) as ' ~ exact_integer('hugeint') ~ ') + summed.points_available',
                        '2 * summed.points_available'
                    ) }} * 0.0001 as decimal(9, 4)
                )
        end as score,
        summed.veto_count > 0 as is_vetoed,
        case
            when summed.stage is null then 'stage_unknown'
            when summed.refused_count > 0 then 'missing_refused'
            when summed.points_available = 0 then 'too_few_points_available'
            when summed.points_assessable < cast(in_force.minimum_points_available as decimal(38, 6)) * 1000000
                then 'too_few_points_available'
            when summed.veto_count > 0 then 'vetoed'
        end as unranked_reason
    from summed
    cross join in_force
),

scored as (
    select
        *,
        unranked_reason is null as is_ranked
    from judged
)

select * from scored
