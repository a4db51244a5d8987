{#-
    One row per enterprise: for each indicator the segment its value is in (0: no stage; below 0: why there is no value) and its
    points in whole millionths, since sums of integers are the same in every order. Null points do not count, which is not zero.
-#}
-- depends_on: {{ ref('scorecard_lines') }}, {{ ref('gaps') }}, {{ ref('groups') }}, {{ ref('ruleset_in_force') }}
{%- set indicators = scorecard() %}
{%- set is_mean = scored_as_mean() %}
with measures as (
    select * from {{ ref('measures') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

staged as (
    select
        measures.*,
        enterprises.stage,
        enterprises.industry_code
    from measures
    inner join enterprises on measures.uscc = enterprises.uscc
),

positioned as (
    select
        *
        {%- for indicator in indicators if indicator.function == 'percentile_in_peer' %},
        {{ peer_percentile(indicator) }} as {{ indicator.column }}_position,
        {{ peer_count(indicator) }} as {{ indicator.column }}_peers
        {%- endfor %}
    from staged
),

segmented as (
    select
        *
        {%- for indicator in indicators %},
        {{ compiled_segment(indicator) }} as {{ indicator.column }}_segment
        {%- endfor %}
    from positioned
),

pointed as (
    select
        *
        {%- for indicator in indicators %},
        {{ compiled_points(indicator, is_mean) }} as {{ indicator.column }}_raw
        {%- endfor %}
    from segmented
),
{% if is_mean %}
{{ mean_columns(indicators, 'pointed') }}
{% endif %}
counted as (
    select
        uscc,
        stage,
        {{ stage_number(indicators) }} as stage_no
        {%- for indicator in indicators %},
        {{ indicator.column }}_segment,
        {{ counted_points(indicator, indicators, is_mean) }} as {{ indicator.column }}_points
        {%- if is_mean %},
        {{ indicator.column }}_maximum
        {%- endif %}
        {%- if indicator.function == 'percentile_in_peer' %},
        {{ indicator.column }}_position,
        {{ indicator.column }}_peers
        {%- endif %}
        {%- endfor %},
        {{ refused_count(indicators) }} as refused_count,
        {{ veto_count(indicators, is_mean) }} as veto_count
    from {{ 'weighed' if is_mean else 'pointed' }}
)

select * from counted
