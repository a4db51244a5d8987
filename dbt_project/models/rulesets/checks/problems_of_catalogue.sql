with rulesets as (
    select * from {{ ref('rulesets') }}
),

indicators as (
    select * from {{ ref('ruleset_indicators') }}
),

missing as (
    select * from {{ ref('ruleset_missing') }}
),

levels as (
    select * from {{ ref('ruleset_levels') }}
),

conditions as (
    select * from {{ ref('ruleset_conditions') }}
),

rules as (
    select * from {{ ref('ruleset_rules') }}
),

colliding as (
    select one.ruleset_id, other.ruleset_id as other_id
    from rulesets as one
    inner join rulesets as other
        on
            one.scheme = other.scheme
            and one.ruleset_id < other.ruleset_id
            and one.status = 'active'
            and other.status = 'active'
            and (one.valid_to is null or one.valid_to >= other.valid_from)
            and (other.valid_to is null or other.valid_to >= one.valid_from)
),

repeated_rulesets as (
    select ruleset_id from rulesets
    group by ruleset_id
    having count(*) > 1
),

repeated_indicators as (
    select
        ruleset_id,
        lower(indicator_code) as indicator_code
    from indicators
    group by ruleset_id, lower(indicator_code)
    having count(*) > 1
),

repeated_treatments as (
    select
        ruleset_id,
        indicator_code,
        supply_status
    from missing
    group by ruleset_id, indicator_code, supply_status
    having count(*) > 1
),

repeated_levels as (
    select
        ruleset_id,
        indicator_code,
        level
    from levels
    group by ruleset_id, indicator_code, level
    having count(*) > 1
),

statuses as (
    {%- for status in supply_statuses()[1:] %}
    select '{{ status }}' as supply_status {{ 'union all' if not loop.last }}
    {%- endfor %}
),

compared as (
    select distinct
        ruleset_id,
        indicator_code
    from rules
    where function = 'percentile_in_peer'
),

untreated as (
    select
        indicators.ruleset_id,
        indicators.indicator_code,
        statuses.supply_status
    from indicators
    cross join statuses
    left join missing
        on
            indicators.ruleset_id = missing.ruleset_id
            and (indicators.indicator_code = missing.indicator_code or missing.indicator_code = '*')
            and statuses.supply_status = missing.supply_status
    left join compared
        on indicators.ruleset_id = compared.ruleset_id and indicators.indicator_code = compared.indicator_code
    -- Only a comparison can have too few to compare with.
    where missing.ruleset_id is null and (statuses.supply_status <> 'too_few_peers' or compared.indicator_code is not null)
),

strange_conditions as (
    select conditions.*
    from conditions
    left join indicators
        on
            conditions.ruleset_id = indicators.ruleset_id
            and conditions.measure in ('points:' || indicators.indicator_code, 'value:' || indicators.indicator_code)
    where coalesce(conditions.measure, '') not in ('score', 'points_total') and indicators.indicator_code is null
),

repeated_conditions as (
    select
        ruleset_id,
        condition_code
    from conditions
    group by ruleset_id, condition_code
    having count(*) > 1
),

split_bests as (
    select
        ruleset_id,
        best_of
    from indicators
    where best_of is not null
    group by ruleset_id, best_of
    having count(distinct module) > 1
),

-- What the night is to measure; whoever asks for a rule set by name brings the values along.
measured_by_night as (
    select indicators.*
    from indicators
    inner join rulesets on indicators.ruleset_id = rulesets.ruleset_id
    where rulesets.status = 'active' and rulesets.scheme = {{ scheme() }} and {{ 'false' if asked_ruleset() else 'true' }}
),

-- Each table that speaks of rule sets, and whom it names.
named_rulesets as (
    {%- for table in ['weights', 'rules', 'stages', 'groups', 'levels', 'missing', 'conditions', 'inputs'] %}
    select distinct '{{ table }}' as file, ruleset_id, {{ 'null' if table in ['stages', 'groups', 'conditions'] else 'indicator_code' }} as indicator_code
    from {{ ref('ruleset_' ~ table) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

problems as (
    select
        named_rulesets.ruleset_id,
        named_rulesets.file,
        coalesce(named_rulesets.ruleset_id, '-') as row_key,
        '规则集不存在' as problem_zh,
        'no such rule set' as problem_en
    from named_rulesets
    where coalesce(named_rulesets.ruleset_id, '') not in (select rulesets.ruleset_id from rulesets)
    union all
    select {{ problem('inputs', ['ruleset_id', 'indicator_code', 'source', 'dataset'], "'没有这个指标，或没有这个数据集'", "'no such indicator, or no such dataset'") }}
    from {{ ref('ruleset_inputs') }}
    where
        ruleset_id || ' ' || indicator_code not in (
            select indicators.ruleset_id || ' ' || indicators.indicator_code from indicators
        )
        or source || '.' || dataset not in (select declared.source || '.' || declared.dataset from ({{ declared_datasets() }}) as declared)
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'没有任何 ind_ 模型的列以 ' || lower(indicator_code) || '_ 开头'", "'no column of an ind_ model begins with ' || lower(indicator_code) || '_'") }}
    from measured_by_night
    where upper(indicator_code) not in (
        select written.indicator_code from ({{ written_indicators() }}) as written
        where written.indicator_code is not null
    )
    union all
    select {{ problem('inputs', ['ruleset_id', 'indicator_code'], "'未写明该指标由哪些数据集得出'", "'nothing says which datasets the indicator is made of'") }}
    from measured_by_night
    where ruleset_id || ' ' || indicator_code not in (
        select inputs.ruleset_id || ' ' || inputs.indicator_code from {{ ref('ruleset_inputs') }} as inputs
    )
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'没有依据记录：其输入不在 int_evidence__tax 或 int_evidence__reported 中，也没有 int_counted__ 模型列出该指标'", "'no record stands behind it: none of its inputs is in int_evidence__tax or int_evidence__reported, and no int_counted__ model names it'") }}
    from measured_by_night
    where
        upper(indicator_code) not in (
            select counted.indicator_code from ({{ counted_indicators() }}) as counted
            where counted.indicator_code is not null
        )
        and ruleset_id || ' ' || indicator_code not in (
            select inputs.ruleset_id || ' ' || inputs.indicator_code
            from {{ ref('ruleset_inputs') }} as inputs
            inner join ({{ evidenced_datasets() }}) as evidenced
                on inputs.source = evidenced.source and inputs.dataset = evidenced.dataset
        )
    union all
    {%- for column in ['definition_zh', 'definition_en', 'unit', 'unit_en', 'class_zh', 'class_en'] %}
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'缺少 " ~ column ~ "'", "'" ~ column ~ " is empty'") }}
    from measured_by_night
    where trim(coalesce({{ column }}, '')) = ''
    union all
    {%- endfor %}
    select {{ problem('conditions', ['ruleset_id', 'condition_code'], "'条件代码重复'", "'the code of the condition stands twice'") }}
    from repeated_conditions
    union all
    select {{ problem('indicators', ['ruleset_id', 'best_of'], "'取高者的各指标须在同一模块'", "'indicators that stand for each other are of one module'") }}
    from split_bests
    union all
    select {{ problem('rulesets', ['ruleset_id', 'annual_data_due', 'young_firm_months'], "'annual_data_due 须为 月-日（至 02-28），young_firm_months 不为负'", "'annual_data_due is a day of the year as MM-DD (not 02-29), young_firm_months not below 0'") }}
    from rulesets
    where
        not {{ is_day_of_year('annual_data_due') }}
        or coalesce(young_firm_months, -1) < 0
        or coalesce(minimum_points_available, -1) < 0
    union all
    select {{ problem('rulesets', ['ruleset_id'], "'规则集编号重复'", "'the id stands twice'") }}
    from repeated_rulesets
    union all
    select {{ problem('rulesets', ['ruleset_id', 'other_id'], "'与同类规则集 ' || other_id || ' 的有效期重叠'", "'in force on the same days as ' || other_id") }}
    from colliding
    union all
    select {{ problem('rulesets', ['ruleset_id'], "'有效期缺失或颠倒'", "'valid_from is missing, or after valid_to'") }}
    from rulesets
    where valid_from is null or valid_to < valid_from
    union all
    select {{ problem('rulesets', ['ruleset_id'], "'状态须为 active、draft 或 retired'", "'status must be active, draft or retired'") }}
    from rulesets
    where coalesce(status, '') not in ('active', 'draft', 'retired')
    union all
    select {{ problem('rulesets', ['ruleset_id'], "'aggregation 须为 points 或 weighted_mean，后者的 points_scale 须在 0 与 1000000 之间'", "'aggregation must be points, or weighted_mean with a points_scale above 0 and up to 1,000,000'") }}
    from rulesets
    where
        coalesce(aggregation, '') not in ('points', 'weighted_mean')
        or (aggregation = 'weighted_mean' and (coalesce(points_scale, 0) <= 0 or points_scale > 1000000))
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'指标代码在同一规则集中重复（不分大小写）'", "'the code stands twice in the rule set, whatever its case'") }}
    from repeated_indicators
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'规则集不存在'", "'no such rule set'") }}
    from indicators
    where ruleset_id not in (select rulesets.ruleset_id from rulesets)
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'代码须以字母开头，只含字母、数字和下划线，至多 30 个字符'", "'a code begins with a letter and has letters, digits and _ only, 30 at most'") }}
    from indicators
    where not {{ is_plain_code('indicator_code') }}
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'direction 须为 higher_is_better 或 lower_is_better'", "'direction must be higher_is_better or lower_is_better'") }}
    from indicators
    where coalesce(direction, '') not in ('higher_is_better', 'lower_is_better')
    union all
    select {{ problem('indicators', ['ruleset_id', 'indicator_code'], "'中英文名称缺一不可'", "'a name in both languages is needed'") }}
    from indicators
    where trim(coalesce(name_zh, '')) = '' or trim(coalesce(name_en, '')) = ''
    union all
    select {{ problem('missing', ['ruleset_id', 'indicator_code', 'supply_status'], "'同一情形规定了两次'", "'the same case is treated twice'") }}
    from repeated_treatments
    union all
    select {{ problem('missing', ['ruleset_id', 'indicator_code', 'supply_status'], "'treatment 须为 rebase、zero 或 refuse'", "'treatment must be rebase, zero or refuse'") }}
    from missing
    where coalesce(treatment, '') not in ('rebase', 'zero', 'refuse')
    union all
    select {{ problem('missing', ['ruleset_id', 'indicator_code', 'supply_status'], "'没有这种缺失状态，或没有这个指标'", "'no such way of being missing, or no such indicator'") }}
    from missing
    where
        supply_status not in (select statuses.supply_status from statuses)
        or (
            indicator_code <> '*'
            and ruleset_id || ' ' || indicator_code not in (
                select indicators.ruleset_id || ' ' || indicators.indicator_code from indicators
            )
        )
    union all
    select {{ problem('missing', ['ruleset_id', 'indicator_code', 'supply_status'], "'未规定数据缺失如何处理'", "'nothing is said of this way of being missing'") }}
    from untreated
    union all
    select {{ problem('levels', ['ruleset_id', 'indicator_code', 'level'], "'同一级别出现两次'", "'the level stands twice'") }}
    from repeated_levels
    union all
    select {{ problem('levels', ['ruleset_id', 'indicator_code', 'level'], "'没有这个指标，或缺少数量'", "'no such indicator, or no quantity'") }}
    from levels
    where
        quantity is null
        or ruleset_id || ' ' || indicator_code not in (
            select indicators.ruleset_id || ' ' || indicators.indicator_code from indicators
        )
    union all
    select {{ problem('levels', ['ruleset_id', 'indicator_code', 'level'], "'级别的中英文名称缺一不可'", "'a level needs a name in both languages'") }}
    from levels
    where trim(coalesce(name_zh, '')) = '' or trim(coalesce(name_en, '')) = ''
    union all
    select {{ problem('conditions', ['ruleset_id', 'condition_code', 'measure'], "'measure 须为 score、points_total、points:代码 或 value:代码，且代码存在'", "'measure must be score, points_total, points:CODE or value:CODE of a code that exists'") }}
    from strange_conditions
    union all
    select {{ problem('conditions', ['ruleset_id', 'condition_code', 'measure'], "'条件没有上下限'", "'the condition has no bound'") }}
    from conditions
    where (lo is null and hi is null) or lo > hi
    union all
    select {{ problem('conditions', ['ruleset_id', 'condition_code', 'route'], "'route 须以字母开头，只含字母、数字和下划线'", "'a route begins with a letter and has letters, digits and _ only'") }}
    from conditions
    where route is not null and not {{ is_plain_code('route') }}
)

select * from problems
