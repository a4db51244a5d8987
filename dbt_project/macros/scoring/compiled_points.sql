{#- What an indicator's segments are over: its value, or where the rule says so the percentile among its peers. -#}
{% macro scored_position(indicator) -%}
    {{ indicator.column }}{{ '_position' if indicator.function == 'percentile_in_peer' }}
{%- endmacro %}

{#-
    Where a value stands: the number of its segment, counted from 1; 0 where the stage is not known; and where there is no value,
    minus the number of the reason why.
-#}
{% macro compiled_segment(indicator) -%}
    {%- set position = scored_position(indicator) -%}
    {%- set expressions = {} -%}
    {%- for stage, card in indicator.stages.items() -%}
        {%- set expression -%}
            case{% for line in card.segments[:-1] %} when {{ position }} < {{ line.below_value }} then {{ line.segment }}{% endfor %} else {{ card.segments[-1].segment }} end
        {%- endset -%}
        {%- do expressions.update({stage: expression if card.segments | length > 1 else '1'}) -%}
    {%- endfor -%}
    cast(case when {{ position }} is null then -({{ effective_status(indicator) }}) else coalesce({{ by_stage(indicator, expressions) }}, 0) end as smallint)
{%- endmacro %}

{#-
    Points in millionths, from the segment and the value; null where there is no segment. Where groups are averaged it is the
    share instead, in ten-milliardths: what it is worth depends on what else there is.
-#}
{% macro compiled_points(indicator, is_mean) -%}
    {%- set expressions = {} -%}
    {%- for stage, card in indicator.stages.items() -%}
        {%- set expression -%}
            case {{ indicator.column }}_segment
            {%- for line in card.segments %} when {{ line.segment }} then {{ points_in_segment(indicator, 10000000000 if is_mean else card.weight + card.deduction, 0 if is_mean else card.deduction, line) }}{% endfor %} end
        {%- endset -%}
        {%- do expressions.update({stage: expression}) -%}
    {%- endfor -%}
    cast({{ by_stage(indicator, expressions) }} as bigint)
{%- endmacro %}

{#-
    full x share - deduction within one segment, in whole units of `full`, rounded once, half up. The share runs in a line from
    share_at_lo to share_at_hi: (share_at_lo x width + (value - lo) x rise) / width, all in integers; where they fit into 64 bits
    they stay there, which is several times faster.
-#}
{% macro points_in_segment(indicator, full, deduction, line) -%}
    {%- set at_lo = (line.share_at_lo * 10000000000) | int -%}
    {%- set rise = (line.share_at_hi * 10000000000) | int - at_lo -%}
    {%- if rise == 0 -%}
        {{- (2 * full * at_lo + 10000000000) // 20000000000 - deduction -}}
    {%- else -%}
        {%- set width = 100000000 if line.function == 'log_capped' else ((line.hi - line.lo) * 1000000) | int -%}
        {%- set parts = lowest_terms([full * at_lo * width, full * rise, 10000000000 * width]) -%}
        {%- set largest = 2 * (parts[0] + width * (parts[1] | abs)) + parts[2] -%}
        {%- set type = 'bigint' if largest < 9000000000000000000 else 'hugeint' -%}
        {%- if largest > 10 ** 38 -%}
            {{- exceptions.raise_compiler_error(
                'the segment from ' ~ line.lo ~ ' to ' ~ line.hi ~ ' of ' ~ line.indicator_code
                ~ ' is too wide for its weight: state the values in a larger unit (ruleset_rules.csv)'
            ) -}}
        {%- endif -%}
        {%- set steps = 'cast(' ~ steps_into_segment(indicator, line) ~ ' as ' ~ exact_integer(type) ~ ')' -%}
        {{- whole_quotient((2 * parts[0] + parts[2]) ~ ' + ' ~ (2 * parts[1]) ~ ' * ' ~ steps, 2 * parts[2]) -}}
        {{- ' - ' ~ deduction if deduction -}}
    {%- endif -%}
{%- endmacro %}

{#- How far a value is into its segment: in millionths, or on a log scale in hundred-millionths of the segment's length. -#}
{% macro steps_into_segment(indicator, line) -%}
    {%- set position = scored_position(indicator) -%}
    {%- if line.function == 'log_capped' -%}
        round((ln(cast({{ position }} + {{ line.log_offset }} as double)) - ln(cast({{ line.lo + line.log_offset }} as double)))
        / (ln(cast({{ line.hi + line.log_offset }} as double)) - ln(cast({{ line.lo + line.log_offset }} as double))) * 100000000)
    {%- else -%}
        {#- A product of decimals stays in 64 bits if both factors fit: where it would not, one of them is made wide. -#}
        {%- set type = 'decimal(38, 6)' if (line.hi - line.lo) > 9000000 else 'decimal(18, 6)' -%}
        cast({{ position }} - {{ line.lo }} as {{ type }}) * 1000000
    {%- endif -%}
{%- endmacro %}

{#- Whole numbers divided by all that divides each of them. -#}
{% macro lowest_terms(numbers) %}
    {%- set common = namespace(of=0) -%}
    {%- for number in numbers -%}
        {%- set pair = namespace(a=common.of, b=number | abs) -%}
        {%- for _ in range(200) -%}
            {%- if pair.b -%}
                {%- set rest = pair.a % pair.b -%}
                {%- set pair.a = pair.b -%}
                {%- set pair.b = rest -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set common.of = pair.a -%}
    {%- endfor -%}
    {%- set reduced = [] -%}
    {%- for number in numbers -%}{%- do reduced.append(number // common.of) -%}{%- endfor -%}
    {{- return(reduced) -}}
{% endmacro %}

{#- Integers divided without remainder; both are 0 or more. -#}
{% macro whole_quotient(dividend, divisor) %}
    {{- return(adapter.dispatch('whole_quotient', 'jifen')(dividend, divisor)) -}}
{% endmacro %}

{% macro default__whole_quotient(dividend, divisor) %}{{ return('((' ~ dividend ~ ') div (' ~ divisor ~ '))') }}{% endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) %}{{ return('((' ~ dividend ~ ') // (' ~ divisor ~ '))') }}{% endmacro %}

{#- An integer type that is as wide as is needed: bigint has 64 bits, hugeint 128. -#}
{% macro exact_integer(type) %}
    {{- return(adapter.dispatch('exact_integer', 'jifen')(type)) -}}
{% endmacro %}

{% macro default__exact_integer(type) %}{{ return('decimal(38, 0)' if type == 'hugeint' else type) }}{% endmacro %}

{% macro duckdb__exact_integer(type) %}{{ return(type) }}{% endmacro %}
