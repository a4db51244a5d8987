with rulesets as (
    select * from {{ ref('rulesets') }}
),

indicators as (
    select * from {{ ref('ruleset_indicators') }}
),

groups as (
    select * from {{ ref('ruleset_groups') }}
),

stages as (
    select * from {{ ref('ruleset_stages') }}
),

written_weights as (
    select * from {{ ref('ruleset_weights') }}
),

wanted as (
    select
        indicators.ruleset_id,
        indicators.indicator_code,
        indicators.module,
        indicators.best_of,
        stages.stage
    from indicators
    inner join stages on indicators.ruleset_id = stages.ruleset_id
),

found as (
    select
        wanted.ruleset_id,
        wanted.indicator_code,
        wanted.module,
        wanted.best_of,
        wanted.stage,
        count(written_weights.ruleset_id) as times,
        max(written_weights.weight) as weight
    from wanted
    left join written_weights
        on
            wanted.ruleset_id = written_weights.ruleset_id
            and wanted.indicator_code = written_weights.indicator_code
            and (wanted.stage = written_weights.stage or written_weights.stage = '*')
    group by wanted.ruleset_id, wanted.indicator_code, wanted.module, wanted.best_of, wanted.stage
),

-- Of indicators that stand for each other the total holds one: the largest.
counted_once as (
    select
        ruleset_id,
        module,
        stage,
        max(weight) as weight
    from found
    group by ruleset_id, module, stage, coalesce(best_of, indicator_code)
),

summed as (
    select
        counted_once.ruleset_id,
        counted_once.module,
        counted_once.stage,
        sum(counted_once.weight) as weight,
        max(rulesets.weights_total) as weights_total
    from counted_once
    inner join rulesets on counted_once.ruleset_id = rulesets.ruleset_id
    group by counted_once.ruleset_id, counted_once.module, counted_once.stage
),

stray as (
    select written_weights.*
    from written_weights
    left join wanted
        on
            written_weights.ruleset_id = wanted.ruleset_id
            and written_weights.indicator_code = wanted.indicator_code
            and (written_weights.stage = wanted.stage or written_weights.stage = '*')
    where wanted.ruleset_id is null
),

-- Stages with a revenue line, of which each begins where the one before it ends; one by age alone stands beside them.
ordered_stages as (
    select
        *,
        lead(stage) over (partition by ruleset_id order by revenue_low_cny nulls first) as next_stage,
        lead(revenue_low_cny) over (partition by ruleset_id order by revenue_low_cny nulls first) as next_low,
        lead(inclusive_low) over (partition by ruleset_id order by revenue_low_cny nulls first) as next_inclusive,
        row_number() over (partition by ruleset_id order by revenue_low_cny nulls first) as place,
        count(*) over (partition by ruleset_id) as stage_count
    from stages
    -- Stages without any line are stated with the values, enterprise by enterprise.
    where
        ruleset_id in (
            select lines.ruleset_id from stages as lines
            where lines.revenue_low_cny is not null or lines.revenue_high_cny is not null
        )
        and (revenue_low_cny is not null or revenue_high_cny is not null or max_age_months is null)
),

repeated_ages as (
    select
        ruleset_id,
        max_age_months
    from stages
    where max_age_months is not null
    group by ruleset_id, max_age_months
    having count(*) > 1
),

-- Of stages by age alone one has no limit: it takes those who are older than all others allow.
ageless as (
    select ruleset_id
    from stages
    group by ruleset_id
    having
        count(revenue_low_cny) + count(revenue_high_cny) = 0
        and count(max_age_months) > 0
        and count(*) > 1
        and count(*) - count(max_age_months) <> 1
),

repeated_stages as (
    select
        ruleset_id,
        stage
    from stages
    group by ruleset_id, stage
    having count(*) > 1
),

repeated_groups as (
    select
        ruleset_id,
        group_code
    from groups
    group by ruleset_id, group_code
    having count(*) > 1
),

means as (
    select * from rulesets
    where aggregation = 'weighted_mean'
),

grouped as (
    select distinct ruleset_id from groups
),

orphans as (
    select groups.*
    from groups
    left join groups as parents
        on groups.ruleset_id = parents.ruleset_id and groups.parent_code = parents.group_code
    where groups.parent_code is not null and parents.group_code is null
),

-- Every group that hangs on the total, at most eight deep; one that does not hangs on itself.
{%- for depth in range(8) %}
hung_{{ depth }} as (
    {%- if loop.first %}
    select ruleset_id, group_code from groups
    where parent_code is null
    {%- else %}
    select groups.ruleset_id, groups.group_code
    from groups
    inner join hung_{{ depth - 1 }} as parents
        on groups.ruleset_id = parents.ruleset_id and groups.parent_code = parents.group_code
    {%- endif %}
),
{% endfor %}
hung as (
    {%- for depth in range(8) %}
    select * from hung_{{ depth }} {{ 'union all' if not loop.last }}
    {%- endfor %}
),

classless as (
    select indicators.*
    from indicators
    inner join means on indicators.ruleset_id = means.ruleset_id
    inner join grouped on indicators.ruleset_id = grouped.ruleset_id
    left join groups on indicators.ruleset_id = groups.ruleset_id and indicators.class = groups.group_code
    where groups.group_code is null
),

problems as (
    select {{ problem('weights', ['ruleset_id', 'indicator_code', 'stage'], "'没有权重，或有 ' || times || ' 个权重'", "'needs one weight and has ' || times") }}
    from found
    where times <> 1
    union all
    select {{ problem('weights', ['ruleset_id', 'indicator_code', 'stage'], "'没有这个指标或阶段'", "'no such indicator or stage'") }}
    from stray
    union all
    select {{ problem('weights', ['ruleset_id', 'indicator_code', 'stage'], "'权重或扣分须在 0 与 1000000 之间'", "'a weight or deduction is between 0 and 1,000,000'") }}
    from written_weights
    where weight is null or weight not between 0 and 1000000 or deduction not between 0 and 1000000
    union all
    select {{ problem('weights', ['ruleset_id', 'module', 'stage'], "'权重合计为 ' || weight || '，应为 ' || weights_total", "'the weights sum to ' || weight || ', not to ' || weights_total") }}
    from summed
    where weights_total is not null and weight <> weights_total
    union all
    select {{ problem('weights', ['ruleset_id', 'module', 'stage'], "'权重全部为 0'", "'all weights are 0'") }}
    from summed
    where weight = 0
    union all
    select {{ problem('stages', ['ruleset_id', 'stage'], "'阶段重复'", "'the stage stands twice'") }}
    from repeated_stages
    union all
    select {{ problem('rulesets', ['ruleset_id'], "'规则集没有阶段'", "'the rule set has no stage'") }}
    from rulesets
    where ruleset_id not in (select stages.ruleset_id from stages)
    union all
    select {{ problem('stages', ['ruleset_id', 'stage', 'next_stage'], "'与下一阶段之间有缺口、重叠，或界限归属不明'", "'a gap or an overlap with the next stage, or a boundary that belongs to both or to neither'") }}
    from ordered_stages
    where
        place < stage_count
        and (
            revenue_high_cny is null
            or next_low is null
            or revenue_high_cny <> next_low
            or coalesce(inclusive_high, false) = coalesce(next_inclusive, false)
        )
    union all
    select {{ problem('stages', ['ruleset_id', 'stage'], "'最低阶段须无下限，最高阶段须无上限'", "'the lowest stage is open below and the highest above'") }}
    from ordered_stages
    where (place = 1 and revenue_low_cny is not null) or (place = stage_count and revenue_high_cny is not null)
    union all
    select {{ problem('stages', ['ruleset_id'], "'至多 99 个阶段'", "'99 stages at most'") }}
    from stages
    group by ruleset_id
    having count(*) > 99
    union all
    select {{ problem('stages', ['ruleset_id', 'max_age_months'], "'两个阶段的年龄上限相同'", "'two stages have the same age limit'") }}
    from repeated_ages
    union all
    select {{ problem('stages', ['ruleset_id', 'stage', 'max_age_months'], "'年龄上限须大于 0'", "'an age limit is above 0'") }}
    from stages
    where max_age_months <= 0
    union all
    select {{ problem('stages', ['ruleset_id'], "'只按年龄分阶段时，须恰有一个阶段不设年龄上限'", "'of stages by age alone one, and only one, has no age limit'") }}
    from ageless
    union all
    select {{ problem('groups', ['ruleset_id', 'group_code'], "'组重复'", "'the group stands twice'") }}
    from repeated_groups
    union all
    select {{ problem('groups', ['ruleset_id', 'group_code', 'parent_code'], "'上级组不存在'", "'no such parent group'") }}
    from orphans
    union all
    select {{ problem('groups', ['ruleset_id', 'group_code'], "'组未连到总分（成环或过深）'", "'the group does not hang on the total: a circle, or more than eight deep'") }}
    from groups
    where ruleset_id || ' ' || group_code not in (select hung.ruleset_id || ' ' || hung.group_code from hung)
    union all
    select {{ problem('groups', ['ruleset_id', 'group_code'], "'组权重须大于 0'", "'the weight of a group must be above 0'") }}
    from groups
    where coalesce(weight, 0) <= 0
    union all
    select {{ problem('groups', ['ruleset_id', 'group_code'], "'只有 weighted_mean 的规则集才有组'", "'only a rule set whose aggregation is weighted_mean has groups'") }}
    from groups
    where ruleset_id not in (select means.ruleset_id from means)
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code', 'class'], "'指标所属的组不存在'", "'the class is none of the groups'") }}
    from classless
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'加权平均的规则集不能用 best_of'", "'best_of has no meaning in a weighted mean'") }}
    from indicators
    where best_of is not null and ruleset_id in (select means.ruleset_id from means)
    union all
    select {{ problem('weights', ['ruleset_id', 'indicator_code', 'stage'], "'加权平均的规则集不能扣分'", "'a weighted mean takes no points away'") }}
    from written_weights
    where deduction > 0 and ruleset_id in (select means.ruleset_id from means)
)

select * from problems
