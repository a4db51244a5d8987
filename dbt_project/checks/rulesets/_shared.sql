-- Views that several checks use. Each check is a file of its own: its first three lines name the table with the columns that
-- identify a wrong row, and the problem in Chinese and English (a column in braces is its value); its query finds wrong rows.
create or replace temp view supply_statuses as
select unnest(['source_not_supplied', 'record_not_supplied', 'value_not_supplied', 'not_defined', 'too_few_peers']) as supply_status;

-- The indicators that the night is to measure; a call with a rule set by name supplies the values itself.
create or replace temp view measured_by_night as
select ruleset_indicators.* from ruleset_indicators
semi join (from rulesets where status = 'active' and scheme = 'points') using (ruleset_id)
where not getvariable('is_asked');

create or replace temp view indicator_stages as
select ruleset_indicators.*, ruleset_stages.stage from ruleset_indicators
inner join ruleset_stages using (ruleset_id);

create or replace temp view stage_weights as
select
    indicator_stages.ruleset_id, indicator_stages.indicator_code, indicator_stages.module, indicator_stages.best_of,
    indicator_stages.stage, count(ruleset_weights.ruleset_id) as times, max(ruleset_weights.weight) as weight
from indicator_stages
left join ruleset_weights
    on
        indicator_stages.ruleset_id = ruleset_weights.ruleset_id
        and indicator_stages.indicator_code = ruleset_weights.indicator_code
        and (indicator_stages.stage = ruleset_weights.stage or ruleset_weights.stage = '*')
group by all;

-- Of indicators that stand for each other the total holds one: the largest.
create or replace temp view module_weights as
with counted_once as (
    select ruleset_id, module, stage, max(weight) as weight from stage_weights
    group by ruleset_id, module, stage, coalesce(best_of, indicator_code)
)

select ruleset_id, module, stage, sum(weight) as weight from counted_once group by all;

create or replace temp view written_rules as
select
    *, coalesce(inclusive_lo, true) as has_lo, coalesce(inclusive_hi, false) as has_hi,
    coalesce(share_at_hi, share_at_lo) as share_at_end
from ruleset_rules;

-- The segments of each indicator in each stage, from below to above, each with the one that follows.
create or replace temp view segments as
select
    indicator_stages.direction, indicator_stages.stage as for_stage, written_rules.*,
    coalesce(cast(lo as varchar), '-∞') as lo_text, coalesce(cast(hi as varchar), '+∞') as hi_text,
    row_number() over ordered as place,
    count(*) over (partition by written_rules.ruleset_id, written_rules.indicator_code, for_stage) as segment_count,
    lead(lo) over ordered as next_lo, lead(has_lo) over ordered as next_has_lo, lead(share_at_lo) over ordered as next_share
from indicator_stages
inner join written_rules
    on
        indicator_stages.ruleset_id = written_rules.ruleset_id
        and indicator_stages.indicator_code = written_rules.indicator_code
        and (indicator_stages.stage = written_rules.stage or written_rules.stage = '*')
window ordered as (
    partition by written_rules.ruleset_id, written_rules.indicator_code, for_stage order by lo nulls first, hi nulls last
);

-- Stages with a revenue line, of which each begins where the one before it ends; one by age alone stands beside them. Stages
-- without any line are stated with the values, enterprise by enterprise.
create or replace temp view ordered_stages as
select
    *, lead(stage) over by_revenue as next_stage, lead(revenue_low_cny) over by_revenue as next_low,
    lead(inclusive_low) over by_revenue as next_inclusive, row_number() over by_revenue as place,
    count(*) over (partition by ruleset_id) as stage_count
from ruleset_stages
semi join (from ruleset_stages where revenue_low_cny is not null or revenue_high_cny is not null) as lines using (ruleset_id)
where revenue_low_cny is not null or revenue_high_cny is not null or max_age_months is null
window by_revenue as (partition by ruleset_id order by revenue_low_cny nulls first);

create or replace temp view weighted_means as
from rulesets where aggregation = 'weighted_mean';

-- The lists that name models one by one, since dbt takes a `ref` from no folder: each with the file that it stands in.
create or replace temp view model_lists as
select
    'indicator_models()' as list, 'dbt_project/macros/scoring/measured_columns.sql' as place,
    regexp_extract(content, 'return\(\[([^\]]*)\]', 1) as names
from read_text(getvariable('models') || '/../macros/scoring/measured_columns.sql')
union all
select 'counted', 'dbt_project/models/marts/evidence.sql', regexp_extract(content, 'set counted = \[([^\]]*)\]', 1)
from read_text(getvariable('models') || '/marts/evidence.sql');

create or replace temp view listed_models as
select list, place, unnest(regexp_extract_all(names, '\w+')) as model from model_lists;

-- The models that belong there: those that measure indicators, and those that count records.
create or replace temp view models_to_list as
select
    parse_filename(file, true) as model, 'dbt_project/models' || substr(file, length(getvariable('models')) + 1) as path,
    if(contains(model, 'int_counted__'), 'counted', 'indicator_models()') as list
from glob(getvariable('models') || '/**/*.sql')
where not getvariable('is_asked') and regexp_matches(file, '/int_counted__\w+\.sql$|/indicators/[^/]+$|/ind_\w+\.sql$');

-- The columns of models that measure: "... as c01_rd_expense_wan_cny" is one of C01.
create or replace temp view measured_codes as
select distinct
    parse_filename(filename) as model, upper(unnest(regexp_extract_all(content, '(?i)\bas\s+([a-z]+[0-9]+)_\w', 1))) as code
from read_text(getvariable('models') || '/indicators/*.sql')
where not getvariable('is_asked');
