-- The values by hand, second part: what is counted by code, and the wide table.

create temp table platform as
select
    uscc,
    nullif(count(*) filter (where level in ('national', 'provincial') and is_recent(recognised_on)), 0) as recent,
    nullif(count(*) filter (where level = 'national' and kind not like '%_station'), 0) as national,
    nullif(count(*) filter (where level = 'provincial' and kind not like '%_station'), 0) as provincial,
    nullif(count(*) filter (where level = 'municipal' and kind not like '%_station'), 0) as municipal,
    nullif(count(*) filter (where kind like '%_station'), 0) as stations
from read_parquet('$inputs/science/platforms/*.parquet')
where is_valid(recognised_on, valid_to)
group by uscc;

create temp table recognised as
with counted as (
    select uscc, 'project' as kind, cast(1 as decimal(18, 6)) as quantity from read_parquet('$inputs/science/projects/*.parquet')
    where level in ('national', 'provincial') and approved_on between $prior_year_start and $year_end
    union all
    select uscc, 'venture', millionths(fen(paid_in_cny)) from read_parquet('$inputs/science/venture_investments/*.parquet')
    where is_of_year(paid_in_on)
    union all
    select seller_uscc, 'contract', millionths(fen(turnover_cny)) from read_parquet('$inputs/science/technology_contracts/*.parquet')
    where is_of_year(registered_on) and status = 'registered'
    union all
    select uscc, 'cooperation', 1 from read_parquet('$inputs/science/cooperations/*.parquet') where is_valid(started_on, ended_on)
    union all
    select uscc, 'product', 1 from read_parquet('$inputs/science/recognised_products/*.parquet') where is_valid(recognised_on, valid_to)
    union all
    select uscc, 'title', quantity_l16(title) from read_parquet('$inputs/science/titles/*.parquet')
    where is_valid(issued_on, valid_to) and not is_gone(revoked_on)
)

select uscc, sum(quantity) filter (where kind = 'project') as projects, sum(quantity) filter (where kind = 'venture') as venture,
    sum(quantity) filter (where kind = 'contract') as contracts, sum(quantity) filter (where kind = 'cooperation') as cooperations,
    sum(quantity) filter (where kind = 'product') as products, max(quantity) filter (where kind = 'title') as title
from counted
group by uscc;

-- Under which codes the credit office may know an enterprise; one that would mean two means neither.
create temp table credit_code as
select code, min(uscc) as uscc
from (
    select uscc as code, uscc from register
    union all
    select substr(uscc, 9, 9), uscc from register
    union all
    select substr(uscc, 3, 6) || substr(uscc, 9, 9), uscc from register
)
group by code
having min(uscc) = max(uscc);

create temp table credit as
with evaluation as (
    select uscc, enterprise_name, batch_month, grade from read_parquet('$inputs/credit/evaluations/*.parquet')
    where batch_month <= $as_of
    qualify row_number() over (partition by evaluation_no order by updated_at desc, _learned_on desc, _batch desc, _position desc) = 1 and not _deleted
),

event as (
    select * from read_parquet('$inputs/credit/events/*.parquet')
    qualify row_number() over (partition by event_no order by updated_at desc, _learned_on desc, _batch desc, _position desc) = 1 and not _deleted
),

repaired as (
    select event_no from (
        select * from read_parquet('$inputs/credit/repairs/*.parquet')
        qualify row_number() over (partition by repair_no order by updated_at desc, _learned_on desc, _batch desc, _position desc) = 1 and not _deleted
    )
    where result = 'granted' and decided_on <= $as_of
),

reported as (
    select uscc as code, enterprise_name, batch_month as day, grade as level, 'evaluation' as kind from evaluation
    union all
    select uscc, enterprise_name, decided_on, coalesce(severity, 'unstated'), event_type
    from event
    where decided_on <= $as_of and not is_gone(removed_on) and (publicity_end_on is null or publicity_end_on >= $as_of)
        and event_no not in (select event_no from repaired)
),

-- The credit office's name is the one on its file, of whatever day.
by_name as (
    select name_key, min(uscc) as uscc from dated_name group by name_key having min(uscc) = max(uscc)
),

identified as (
    select credit_code.uscc, reported.* exclude (code, enterprise_name) from reported inner join credit_code on reported.code = credit_code.code
    union all
    select by_name.uscc, reported.* exclude (code, enterprise_name, name_key)
    from (select *, name_key(enterprise_name) as name_key from reported where code is null) as reported inner join by_name using (name_key)
)

select
    uscc,
    arg_max(level, day) filter (where kind = 'evaluation') as grade,
    nullif(count(*) filter (where kind in ('serious_dishonesty', 'judgment_defaulter')), 0) as dishonest,
    sum(quantity_l22(level)) filter (where kind = 'administrative_penalty') as penalties
from identified
group by uscc;

create temp table deduction as
select uscc, arg_max(additional_deduction_cny * income_tax_rate_pct, filed_on) as relief
from read_parquet('$inputs/tax/rd_deductions/*.parquet')
where fiscal_year = $year and filed_on <= $as_of
group by uscc;

create temp table tax_grade as
select uscc, arg_max(grade, (evaluation_year, published_on)) as grade
from read_parquet('$inputs/tax/credit_grades/*.parquet')
where published_on <= $as_of
group by uscc;

create temp table torch as
select uscc, high_tech_product_revenue_cny as product_revenue from read_parquet('$inputs/science/torch_reports/*.parquet')
where fiscal_year = $year and (reported_on is null or reported_on <= $as_of);

-- The enterprises that a refused record may be about: no count of theirs is known to be 0.
create temp table refused as
with refusal as (
    select source || '.' || dataset as dataset, uscc, name_key(unnest(string_split(replace(coalesce(name, ''), '；', ';'), ';'))) as name_key
    from read_parquet('$inputs/pipeline/refusals/*.parquet')
)

select uscc, list(distinct dataset) as datasets
from (
    select register.uscc, refusal.dataset from refusal inner join register on refusal.uscc = register.uscc
    union all
    select dated_name.uscc, refusal.dataset from refusal inner join dated_name using (name_key) where refusal.name_key <> ''
)
group by uscc;

-- 0 where a dataset that covers every enterprise was supplied, null where not; `counted` is never null but for an enterprise without any.
create macro counted(quantity, refused_of, dataset) as cast(coalesce(quantity, case when list_contains(refused_of, dataset) then null else none_of(dataset) end) as decimal(18, 6));

create temp table measured as
with judged as (
    select
        register.uscc,
        register.industry_code,
        register.founded_on,
        register.founded_on > $young_after as is_young,
        filing.*  exclude (uscc),
        headcount.* exclude (uscc),
        coalesce(patent.has_scope, false) as has_scope,
        torch.product_revenue,
        torch.uscc is not null as has_torch,
        deduction.relief,
        credit.grade is not null as has_evaluation,
        tax_grade.grade is not null as has_tax_grade,
        counted(patent.related, refused.datasets, 'patent.applications') as related,
        counted(named.pct, refused.datasets, 'patent.pct_applications') as pct,
        counted(recognised.contracts, refused.datasets, 'science.technology_contracts') as c07,
        cast(case when deduction.uscc is null then counted(null, refused.datasets, 'tax.rd_deductions') else deduction.relief * 0.000001 end as decimal(18, 6)) as c12,
        counted(platform.recent, refused.datasets, 'science.platforms') as c15,
        counted(named.awards, refused.datasets, 'science.awards') as c16,
        counted(recognised.projects, refused.datasets, 'science.projects') as c17,
        counted(recognised.venture, refused.datasets, 'science.venture_investments') as c18,
        counted(named.leading_talents, refused.datasets, 'talent.talents') as l01,
        counted(named.high_level_talents, refused.datasets, 'talent.talents') as l02,
        counted(person.doctors, refused.datasets, 'talent.persons') as l03,
        counted(person.seniors, refused.datasets, 'talent.persons') as l04,
        counted(platform.national, refused.datasets, 'science.platforms') as l06,
        counted(platform.provincial, refused.datasets, 'science.platforms') as l07,
        counted(platform.municipal, refused.datasets, 'science.platforms') as l08,
        counted(platform.stations, refused.datasets, 'science.platforms') as l09,
        counted(recognised.cooperations, refused.datasets, 'science.cooperations') as l10,
        counted(patent.held, refused.datasets, 'patent.applications') as l11,
        counted(patent.high_value, refused.datasets, 'patent.applications') as l12,
        counted(named.software, refused.datasets, 'patent.software_and_layouts') as l13,
        counted(named.standards, refused.datasets, 'science.standards') as l14,
        counted(recognised.products, refused.datasets, 'science.recognised_products') as l15,
        counted(recognised.title, refused.datasets, 'science.titles') as l16,
        counted(named.contest, refused.datasets, 'science.contest_results') as l17,
        counted(named.local_contests, refused.datasets, 'science.contest_results') as l18,
        quantity_l19(credit.grade) as l19,
        quantity_l20(tax_grade.grade) as l20,
        counted(credit.dishonest, refused.datasets, 'credit.events') as l21,
        counted(credit.penalties, refused.datasets, 'credit.events') as l22
    from register
    left join filing using (uscc)
    left join headcount using (uscc)
    left join patent using (uscc)
    left join named using (uscc)
    left join person using (uscc)
    left join platform using (uscc)
    left join recognised using (uscc)
    left join credit using (uscc)
    left join deduction using (uscc)
    left join tax_grade using (uscc)
    left join torch using (uscc)
    left join refused using (uscc)
    where register.is_eligible
)

select
    uscc,
    industry_code,
    $stage as stage,
    millionths(rd) as c01,
    case when not u_c02 then ratio_pct(rd - prior_rd, prior_rd) end as c02,
    case when not u_c03 then ratio_pct(rd, revenue) end as c03,
    case when not u_c04 then ratio_pct(sci_tech_staff, staff_total) end as c04,
    case when has_scope then related end as c05,
    case when has_scope then pct end as c06,
    c07,
    millionths(fen(product_revenue)) as c08,
    millionths(revenue) as c09,
    case when not u_c10 then ratio_pct(revenue - prior_revenue, prior_revenue) end as c10,
    case when not u_c11 then ratio_pct(master_or_above, staff_total) end as c11,
    c12,
    case when not u_c13 then ratio_pct(net_profit, net_assets) end as c13,
    cast(new_graduates as decimal(18, 6)) as c14,
    c15, c16, c17, c18, l01, l02, l03, l04,
    case when not u_l05 then ratio_pct(sci_tech_staff - prior_sci_tech_staff, prior_sci_tech_staff) end as l05,
    l06, l07, l08, l09, l10, l11, l12, l13, l14, l15, l16, l17, l18, l19, l20, l21, l22,
    u_c02, u_c03, u_c04, u_c10, u_c11, u_c13, u_l05,
    coalesce(has_filing, false) as has_tax_statements_0,
    coalesce(has_prior_filing, false) as has_tax_statements_1,
    coalesce(has_headcount, false) as has_talent_headcounts_0,
    coalesce(has_prior_headcount, false) as has_talent_headcounts_1,
    has_torch as has_science_torch_reports_0,
    has_scope as has_science_business_scopes_0,
    has_evaluation as has_credit_evaluations_0,
    has_tax_grade as has_tax_credit_grades_0
from (
    select
        *,
        is_young or coalesce(rd is not null and prior_rd <= 0, false) as u_c02,
        coalesce(rd is not null and revenue <= 0, false) as u_c03,
        coalesce(sci_tech_staff is not null and staff_total <= 0, false) as u_c04,
        is_young or coalesce(revenue is not null and prior_revenue <= 0, false) as u_c10,
        coalesce(master_or_above is not null and staff_total <= 0, false) as u_c11,
        coalesce(net_profit is not null and net_assets <= 0, false) as u_c13,
        is_young or coalesce(sci_tech_staff is not null and prior_sci_tech_staff <= 0, false) as u_l05
    from judged
);
