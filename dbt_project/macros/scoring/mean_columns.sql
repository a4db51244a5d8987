{#-
    Weighted means of groups within groups: indicator, class, ..., total. What is missing is left out of its group's mean, and a
    group of which all is missing out of its parent's; so an indicator's maximum is its part of the scale in what is left.
    The maxima are whole millionths that add up to the scale: what rounding leaves over goes to the first indicator that is worth anything.
    Makes the relation `weighed` of `relation`, with <code>_share and <code>_maximum.
-#}
{% macro mean_columns(indicators, relation) -%}
    {%- set tree = group_tree(indicators) -%}
    {%- set scale = tree.scale -%}
shares as (
    select
        *
        {%- for indicator in indicators %},
        {{ settled_points(indicator) }} as {{ indicator.column }}_share
        {%- endfor %}
    from {{ relation }}
),

{#- Weights of what is there, from the leaves up. -#}
summed as (
    select
        *
        {%- for group in tree.upwards %},
        cast(0
        {%- for indicator in group.indicators %} + case when {{ indicator.column }}_share is not null then {{ stage_figure(indicator, 'weight') }} else 0 end{% endfor -%}
        {%- for child in group.children %} + case when {{ child.name }}_sum > 0 then {{ child.weight }} else 0 end{% endfor %} as {{ exact_integer('hugeint') }}) as {{ group.name }}_sum
        {%- endfor %}
    from shares
),

{#- What each group and indicator is out of, from the root down, in millionths of a millionth of a point. -#}
parted as (
    select
        *,
        cast({{ scale }} as {{ exact_integer('hugeint') }}) * 1000000 as {{ tree.root.name }}_max
        {%- for group in tree.downwards %}
        {%- for child in group.children %},
        {{ part_of(group, child.weight, child.name ~ '_sum > 0') }} as {{ child.name }}_max
        {%- endfor %}
        {%- for indicator in group.indicators %},
        {%- set part = part_of(group, stage_figure(indicator, 'weight'), indicator.column ~ '_share is not null') %}
        cast({{ whole_quotient(part ~ ' + 500000', '1000000') }} as bigint) as {{ indicator.column }}_rounded
        {%- endfor %}
        {%- endfor %}
    from summed
),

weighed as (
    select
        *,
        coalesce(null{% for indicator in indicators %}, case when {{ indicator.column }}_rounded > 0 then {{ indicator.position }} end{% endfor %}) as first_counted,
        {{ scale }}{% for indicator in indicators %} - coalesce({{ indicator.column }}_rounded, 0){% endfor %} as left_over
        {%- for indicator in indicators %},
        {{ indicator.column }}_rounded + case when first_counted = {{ indicator.position }} then left_over else 0 end as {{ indicator.column }}_maximum
        {%- endfor %}
    from parted
),
{%- endmacro %}

{#- The part of a group that something in it is out of; where all that is there weighs nothing, none of it. -#}
{% macro part_of(group, weight, condition) -%}
    {%- set whole = '2 * ' ~ group.name ~ '_max * (' ~ weight ~ ') + ' ~ group.name ~ '_sum' -%}
    case when {{ condition }} then case when {{ group.name }}_sum > 0 then {{ whole_quotient(whole, '2 * ' ~ group.name ~ '_sum') }} else 0 end end
{%- endmacro %}

{#- The groups of the rule set in force as a tree, in order from the leaves up and from the root down; depth at most eight. -#}
{% macro group_tree(indicators) %}
    {%- set root = {'name': 'group_0', 'code': none, 'weight': 0, 'children': [], 'indicators': [], 'depth': 0} -%}
    {%- set by_code = {none: root} -%}
    {%- set rows = run_query('select group_code, parent_code, weight from ' ~ ref('groups') ~ ' order by group_code').rows -%}
    {%- for row in rows -%}
        {%- do by_code.update({row[0]: {
            'name': 'group_' ~ loop.index, 'code': row[0], 'parent': row[1] or none,
            'weight': (row[2] * 1000000) | int, 'children': [], 'indicators': [], 'depth': none,
        }}) -%}
    {%- endfor -%}
    {%- for _ in range(8) -%}
        {%- for code, group in by_code.items() if code is not none and group.depth is none -%}
            {%- if group.parent in by_code and by_code[group.parent].depth is not none -%}
                {%- do group.update({'depth': by_code[group.parent].depth + 1}) -%}
                {%- do by_code[group.parent].children.append(group) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for indicator in indicators -%}
        {%- do by_code[indicator['class'] if rows | length else none].indicators.append(indicator) -%}
    {%- endfor -%}
    {%- set placed = by_code.values() | rejectattr('depth', 'none') | list -%}
    {%- set scale = run_query('select points_scale from ' ~ ref('ruleset_in_force')).rows[0][0] -%}
    {{- return({
        'root': root, 'scale': (scale * 1000000) | int,
        'upwards': placed | sort(attribute='depth', reverse=true), 'downwards': placed | sort(attribute='depth'),
    }) -}}
{% endmacro %}
