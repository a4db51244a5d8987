-- Science bureau: the register, and all it recognises. No branches, successions or dated states: those are identity's.

create view "science.enterprises" as
select
    uscc,
    name,
    founded_on,
    case when draw(i, 'status', 100) = 0 then 'cancelled' when draw(i, 'status', 200) = 1 then 'moved_out' else 'active' end as status,
    case when draw(i, 'industry', 50) > 0 then 'C' || (30 + draw(i, 'industry', 50) % 15) end as industry_code,
    case when draw(i, 'industry', 50) > 0 then '行业' || (30 + draw(i, 'industry', 50) % 15) end as industry_name,
    founded_on as zone_member_from,
    case when draw(i, 'left_zone', 100) = 0 then date '2025-03-31' end as zone_member_to
from enterprise;

create view "science.enterprise_names" as
select uscc, name, case when former_name is null then founded_on else named_on end as valid_from, cast(null as date) as valid_to
from enterprise
union all
select uscc, former_name, founded_on, named_on - 1 from enterprise where former_name is not null;

create view "science.enterprise_identifiers" as
select uscc, 'talent_unit' as scheme, unit_no as identifier from unit where draw(n, 'unit_mapped', 100) < 98;

create view "science.business_scopes" as
select uscc, unnest(list_distinct([one_of(i * 10 + k, 'scope', ['G06F', 'H04L', 'H01L', 'G06N', 'H02J']) for k in several(i, 'scopes', 92, 3)])) as ipc_subclass
from enterprise;

create view "science.torch_reports" as
select
    uscc,
    years.y as fiscal_year,
    case when draw(i * 10 + years.y - 2020, 'lacks_product', 60) > 0
        then round(revenue_cny * draw(i * 10 + years.y - 2020, 'product', 90) / 100, 2) end as high_tech_product_revenue_cny,
    make_date(years.y + 1, 5, 10) as reported_on
from enterprise, (values (2023), (2024)) as years(y)
where draw(i * 10 + years.y - 2020, 'torch', 100) < 85 and year(founded_on) <= years.y;

create view "science.technology_contracts" as
with signed as (
    select *, i * 10 + unnest(several(i, 'contracts', 30, 3)) as n from enterprise
)

select
    'H' || lpad(cast(n as varchar), 10, '0') as contract_no,
    uscc as seller_uscc,
    round(10000 + draw(n, 'turnover', 900000000) / 100, 2) as turnover_cny,
    day_of(n, 'signed', date '2023-07-01', founded_on, 700) as registered_on,
    case when draw(n, 'withdrawn', 15) = 0 then 'withdrawn' else 'registered' end as status
from signed;

create view "science.platforms" as
with built as (
    select *, i * 10 + unnest(several(i, 'platforms', 20, 3)) as n from enterprise
)

select
    'P' || lpad(cast(n as varchar), 10, '0') as platform_no,
    uscc,
    '样本平台' as platform_name,
    one_of(n, 'platform_kind', ['engineering_centre', 'engineering_centre', 'key_laboratory', 'enterprise_technology_centre',
        'new_rd_institution', 'postdoc_station', 'doctor_station', 'academician_station']) as kind,
    one_of(n, 'platform_level', ['national', 'provincial', 'provincial', 'municipal', 'municipal']) as level,
    day_of(n, 'built', date '2021-01-01', founded_on, 1640) as recognised_on,
    case when draw(n, 'platform_ends', 2) = 0 then date '2025-01-01' + cast(draw(n, 'platform_end', 1500) as integer) end as valid_to
from built;

create view "science.awards" as
with won as (
    select *, i * 10 + unnest(several(i, 'awards', 8, 2)) as n from enterprise
)

select
    'A' || lpad(cast(n as varchar), 10, '0') as award_no,
    written(n, 'winner', name) as winner_name,
    one_of(n, 'award_level', ['national', 'provincial', 'provincial', 'municipal']) as level,
    year(day_of(n, 'awarded', date '2022-06-01', named_on, 1000)) as award_year,
    day_of(n, 'awarded', date '2022-06-01', named_on, 1000) as announced_on
from won;

create view "science.projects" as
with approved as (
    select *, i * 10 + unnest(several(i, 'projects', 15, 3)) as n from enterprise
)

select
    'J' || lpad(cast(n as varchar), 10, '0') as project_no,
    uscc,
    one_of(n, 'project_level', ['national', 'provincial', 'municipal']) as level,
    day_of(n, 'approved', date '2022-06-01', founded_on, 1000) as approved_on
from approved;

create view "science.venture_investments" as
with paid as (
    select *, i * 10 + unnest(several(i, 'ventures', 10, 2)) as n from enterprise
)

select
    'I' || lpad(cast(n as varchar), 10, '0') as investment_no,
    uscc,
    round(500000 + draw(n, 'paid', 5000000000) / 100, 2) as paid_in_cny,
    day_of(n, 'paid_on', date '2023-10-01', founded_on, 600) as paid_in_on
from paid;
