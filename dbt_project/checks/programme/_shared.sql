-- Views that several checks use; each check is a file of its own, as in checks/rulesets.
create or replace temp view items as
select 'product' as kind, product_id as item_id, version, valid_from, valid_to, name_zh, name_en, provenance from products
union all
select 'policy', policy_id, version, valid_from, valid_to, name_zh, name_en, provenance from policies
union all
select 'reward', reward_id, version, valid_from, valid_to, name_zh, name_en, provenance from rewards
union all
select 'public_list', list_id, version, valid_from, valid_to, name_zh, name_en, provenance from public_lists;

-- A fact by its name, or an indicator of a rule set by its code.
create or replace temp view known_facts as
select fact, kind from programme_facts
union all
select distinct indicator_code, 'number' from ruleset_indicators;

create or replace temp view named_facts as
select 'programme_conditions' as file, item_id, version, cast(condition_no as varchar) as row_no, fact from programme_conditions
union all
select 'reward_orders', reward_id, version, cast(place as varchar), fact from reward_orders
union all
select 'product_uplifts', product_id, version, coalesce(cast(lo as varchar), '-∞'), fact from product_uplifts
union all
select 'product_prices', product_id, version, coalesce(cast(lo as varchar), '-∞'), fact from product_prices
union all
select 'credit_bands', fact, '', label, fact from credit_bands
union all
select 'products', product_id, version, 'basis', basis from products where basis is not null;

-- The bands of a product from below to above, each with the one that follows: of the basis, of uplifts and of prices.
create or replace temp view bands as
with united as (
    select 'product_limits' as file, product_id, version, '' as fact, lo_cny as lo, hi_cny as hi from product_limits
    union all
    select 'product_uplifts', product_id, version, fact, lo, hi from product_uplifts
    union all
    select 'product_prices', product_id, version, fact, lo, hi from product_prices
)

select
    *, coalesce(cast(lo as varchar), '-∞') as lo_text, coalesce(cast(hi as varchar), '+∞') as hi_text,
    row_number() over ordered as place,
    count(*) over (partition by file, product_id, version) as band_count,
    lead(lo) over ordered as next_lo
from united
window ordered as (partition by file, product_id, version order by lo nulls first, hi nulls last);

create or replace temp view stated_facts as
select
    kind, item_id, version, case_no,
    trim(unnest(string_split(facts, ';'))) as statement
from programme_cases;

-- The texts that a fact may be, as far as they are known: those of its column in the source file, or the stages.
create or replace temp view known_texts as
select facts.fact, declared_values.value as text
from (values ('tax_grade', 'tax', 'credit_grades', 'grade'), ('credit_grade', 'credit', 'evaluations', 'grade')) as facts (fact, source, dataset, column_name)
inner join declared_values using (source, dataset, column_name)
union
select 'stage', stage from ruleset_stages;
