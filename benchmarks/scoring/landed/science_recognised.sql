-- Science bureau, second part: cooperations, standards, titles and contests.

create view "science.cooperations" as
with begun as (
    select *, i * 10 + unnest(several(i, 'cooperations', 12, 3)) as n from enterprise
)

select
    'K' || lpad(cast(n as varchar), 10, '0') as cooperation_no,
    uscc,
    one_of(n, 'cooperation', ['joint_project', 'joint_project', 'science_envoy']) as kind,
    '样本大学' as partner,
    day_of(n, 'begun', date '2022-01-01', founded_on, 1300) as started_on,
    case when draw(n, 'ends', 2) = 0 then date '2025-01-01' + cast(draw(n, 'ended', 900) as integer) end as ended_on
from begun;

create view "science.standards" as
with drafted as (
    select *, i * 10 + unnest(several(i, 'standards', 9, 3)) as n from enterprise
)

select
    'GB/T ' || lpad(cast(n as varchar), 10, '0') as standard_no,
    written(n, 'drafter', name) as drafter_name,
    one_of(n, 'standard', ['international', 'national', 'national', 'industry', 'industry', 'group', 'group']) as level,
    one_of(n, 'role', ['lead', 'join']) as role,
    day_of(n, 'published', date '2018-01-01', named_on, 2800) as published_on,
    case when draw(n, 'standard_gone', 15) = 0 then date '2024-06-01' + cast(draw(n, 'gone_on', 600) as integer) end as withdrawn_on
from drafted;

create view "science.titles" as
with given as (
    select *, i * 10 + unnest(several(i, 'titles', 60, 3)) as n from enterprise
)

select
    'GR' || lpad(cast(n as varchar), 10, '0') as certificate_no,
    uscc,
    one_of(n, 'title_kind', ['tech_sme', 'tech_sme', 'tech_sme', 'innovative_sme', 'hnte', 'hnte', 'specialised_sme', 'little_giant', 'champion']) as title,
    day_of(n, 'issued', date '2020-01-01', founded_on, 2000) as issued_on,
    day_of(n, 'issued', date '2020-01-01', founded_on, 2000) + 1095 as valid_to,
    case when draw(n, 'revoked', 40) = 0 then date '2025-01-15' end as revoked_on
from given;

create view "science.contest_results" as
with entered as (
    select *, i * 10 + unnest(several(i, 'contests', 10, 2)) as n from enterprise
)

select
    'W' || lpad(cast(n as varchar), 10, '0') as result_no,
    '样本大赛' as contest,
    one_of(n, 'contest_level', ['national', 'provincial', 'city', 'zone']) as level,
    one_of(n, 'contest_kind', ['contest', 'contest', 'contest', 'challenge']) as kind,
    one_of(n, 'place', ['1', '2', '3', 'finalist', 'other']) as place,
    written(n, 'contestant', name) as contestant_name,
    day_of(n, 'held', date '2022-09-01', named_on, 1030) as held_on
from entered;
