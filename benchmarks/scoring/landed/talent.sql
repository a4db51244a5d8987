-- Talent bureau: by its own unit number, of which one enterprise in thirty has two, and recognised talents by name.

create view "talent.headcounts" as
with counted as (
    select
        *,
        months.month,
        n * 10 + months.m as k,
        case when draw(n * 10 + months.m, 'no_staff', 300) = 0 then 0 else 5 + draw(n, 'staff', 400) + draw(n * 10 + months.m, 'staff', 40) end as staff
    from unit, (values (0, date '2023-12-31'), (1, date '2024-12-31'), (2, date '2025-06-30')) as months(m, month)
    where draw(n * 10 + months.m, 'counted', 100) < 93
)

select
    unit_no,
    name as unit_name,
    month,
    case when draw(k, 'lacks_staff', 100) > 0 then staff end as staff_total,
    case when draw(k, 'lacks_sci_tech', 100) > 0 then staff * draw(k, 'sci_tech', 45) // 100 end as sci_tech_staff,
    case when draw(k, 'lacks_masters', 100) > 0 then staff * draw(k, 'masters', 30) // 100 end as master_or_above,
    staff * draw(k, 'doctors', 4) // 100 as doctors,
    case when draw(k, 'lacks_graduates', 100) > 0 then draw(k, 'graduates', 25) end as new_graduates,
    staff * draw(k, 'technicians', 30) // 100 as technicians
from counted;

create view "talent.persons" as
with listed as (
    select *, n * 10 + unnest(several(n, 'persons', 35, 5)) as k from unit
)

select
    -- A person in twenty works for a second unit of the same enterprise, or was listed before.
    sha256(cast(k as varchar)) as person_hash,
    unit_no,
    months.month,
    one_of(k, 'degree', ['doctor', 'master', 'bachelor', 'other']) as degree,
    draw(k, 'postdoc', 15) = 0 as is_postdoc,
    one_of(k, 'title', ['senior', 'senior', 'middle', 'none']) as title_level,
    one_of(k, 'skill', ['senior_technician', 'technician', 'none', 'none']) as skill_level,
    greatest(founded_on, date '2015-01-01' + cast(draw(k, 'joined', 3900) as integer)) as joined_on,
    case when draw(k, 'left', 15) = 0 then date '2025-01-01' + cast(draw(k, 'left_on', 300) as integer) end as left_on
from listed, (values (date '2025-05-31', 20), (date '2025-06-30', 100)) as months(month, share)
where draw(k, 'listed' || months.month, 100) < months.share;

create view "talent.talents" as
with recognised as (
    select *, i * 10 + unnest(several(i, 'talents', 9, 2)) as k from enterprise
)

select
    'T' || lpad(cast(k as varchar), 10, '0') as talent_no,
    months.month,
    one_of(k, 'talent', ['national', 'provincial', 'city', 'city', 'zone', 'zone']) as level,
    'programme' as programme,
    written(k, 'employer', name) as employer_name,
    day_of(k, 'recognised', date '2019-01-01', named_on, 2300) as recognised_on,
    case when draw(k, 'until', 2) = 0 then date '2024-12-31' + cast(draw(k, 'until_on', 1500) as integer) end as valid_to,
    case when draw(k, 'gone', 20) = 0 then date '2025-01-01' + cast(draw(k, 'gone_on', 300) as integer) end as left_on
from recognised, (values (date '2025-05-31', 20), (date '2025-06-30', 100)) as months(month, share)
where draw(k, 'shown' || months.month, 100) < months.share;
