{#- Whether the rule set in force adds points up (`points`) or takes weighted means of groups (`weighted_mean`). -#}
{% macro scored_as_mean() -%}
    {%- if execute -%}
        {%- set rows = run_query('select aggregation from ' ~ ref('ruleset_in_force')).rows -%}
        {{- return((rows | length) > 0 and rows[0][0] == 'weighted_mean') -}}
    {%- endif -%}
    {{- return(false) -}}
{%- endmacro %}

{#- Who an enterprise is compared with for a percentile: those of its stage, of its industry, of both, or everybody. -#}
{% macro peer_window(indicator) -%}
    {%- set peers = {'all': [], 'stage': ['stage'], 'industry': ['industry_code'], 'stage_industry': ['stage', 'industry_code']} -%}
    {%- set columns = peers[indicator.peer_by or 'all'] -%}
    {{- 'partition by ' ~ (columns | join(', ')) if columns -}}
{%- endmacro %}

{#- An industry or a stage that is not known has no peers. -#}
{% macro has_peers(indicator) -%}
    {%- set known = {'stage': 'stage is not null', 'industry': 'industry_code is not null', 'stage_industry': 'stage is not null and industry_code is not null'} -%}
    {{- known.get(indicator.peer_by, 'true') -}}
{%- endmacro %}

{% macro peer_count(indicator) -%}
    cast(count({{ indicator.column }}) over ({{ peer_window(indicator) }}) as integer)
{%- endmacro %}

{#- Percent of the other peers that are below, to six decimals; null where too few have a value to be compared with. -#}
{% macro peer_percentile(indicator) -%}
    {%- set below -%}
        (rank() over ({{ peer_window(indicator) }} order by {{ indicator.column }} nulls last) - 1)
    {%- endset -%}
    {%- set others = '(' ~ peer_count(indicator) ~ ' - 1)' -%}
    case
        when {{ indicator.column }} is not null and {{ has_peers(indicator) }} and {{ others }} >= {{ [indicator.minimum_peers - 1, 1] | max }}
            then cast(cast({{ whole_quotient('200000000 * ' ~ below ~ ' + ' ~ others, '2 * ' ~ others) }} as decimal(18, 0)) * 0.000001 as decimal(18, 6))
    end
{%- endmacro %}

{#-
    The points that count, in millionths: of a value its points, of a gap what the rule set says (nothing, or zero). Of indicators
    that stand for each other only the best counts, the first one where they are equal.
-#}
{% macro counted_points(indicator, indicators, is_mean) -%}
    {%- set column = indicator.column -%}
    {%- if is_mean -%}
        {%- set share = 'cast(' ~ column ~ '_share as ' ~ exact_integer('hugeint') ~ ')' -%}
        {{- whole_quotient('2 * ' ~ share ~ ' * ' ~ column ~ '_maximum + 10000000000', '20000000000') -}}
    {%- else -%}
        {%- set points = settled_points(indicator) -%}
        {%- set others = indicators | selectattr('best_of', 'equalto', indicator.best_of) | rejectattr('code', 'equalto', indicator.code) | list if indicator.best_of else [] -%}
        {%- if others -%}
            case when {% for other in others %}{{ ' and ' if not loop.first }}coalesce({{ points }}, -1000000000000000) {{ '>' if other.position < indicator.position else '>=' }} coalesce({{ settled_points(other) }}, -1000000000000000){% endfor %} then {{ points }} end
        {%- else -%}
            {{ points }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro settled_points(indicator) -%}
    {%- set zeroes = treated_as(indicator, 'zero') -%}
    {%- if zeroes -%}
        case when {{ indicator.column }}_raw is null and stage is not null and {{ indicator.column }}_segment in (-{{ zeroes | join(', -') }}) then 0 else {{ indicator.column }}_raw end
    {%- else -%}
        {{ indicator.column }}_raw
    {%- endif -%}
{%- endmacro %}

{#- The status numbers to which a rule set gives a treatment. -#}
{% macro treated_as(indicator, treatment) -%}
    {%- set numbers = [] -%}
    {%- for number, given in indicator.treatments.items() if given == treatment -%}{%- do numbers.append(number) -%}{%- endfor -%}
    {{- return(numbers) -}}
{%- endmacro %}

{#- The status number, and 5 (too few peers) where there is a value but nobody to compare it with. -#}
{% macro effective_status(indicator) -%}
    {%- if indicator.function == 'percentile_in_peer' -%}
        case when {{ indicator.column }}_status = 0 and {{ indicator.column }}_position is null then 5 else {{ indicator.column }}_status end
    {%- else -%}
        {{ indicator.column }}_status
    {%- endif -%}
{%- endmacro %}

{#- How many indicators are missing that the rule set does not let be missing. -#}
{% macro refused_count(indicators) -%}
    cast(0
    {%- for indicator in indicators -%}
        {%- set refused = treated_as(indicator, 'refuse') -%}
        {%- if refused %} + case when {{ indicator.column }}_segment in (-{{ refused | join(', -') }}) then 1 else 0 end{% endif -%}
    {%- endfor %} as integer)
{%- endmacro %}

{#- How many vetoes are hit: segments of a veto below the full share. -#}
{% macro veto_count(indicators, is_mean) -%}
    cast(0
    {%- for indicator in indicators if indicator.function == 'veto' %} + case when {{ indicator.column }}_raw < (
        {{- '10000000000' if is_mean else stage_figure(indicator, 'weight') }}) then 1 else 0 end{% endfor %} as integer)
{%- endmacro %}
