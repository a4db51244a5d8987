-- Credit office: by code, by organisation code, or by name alone. Events of a twelfth of the enterprises, some repaired.

create view "credit.evaluations" as
select
    'E' || lpad(cast(i * 10 + months.m as varchar), 10, '0') as evaluation_no,
    case when draw(i * 10 + months.m, 'eval_named', 25) > 0 then uscc end as uscc,
    written(i * 10 + months.m, 'eval_name', name) as enterprise_name,
    months.month as batch_month,
    one_of(i * 10 + months.m, 'grade', ['A', 'A', 'B', 'B', 'C', 'D']) as grade,
    timestamp '2025-06-20 08:00:00' as updated_at
from enterprise, (values (0, date '2024-12-01'), (1, date '2025-06-01')) as months(m, month)
where draw(i * 10 + months.m, 'evaluated', 100) < 85;

create view event as
with happened as (
    select *, i * 10 + unnest(several(i, 'events', 8, 2)) as n from enterprise
)

select
    *,
    one_of(n, 'event', ['serious_dishonesty', 'judgment_defaulter', 'judgment_defaulter',
        'administrative_penalty', 'administrative_penalty', 'administrative_penalty', 'administrative_penalty']) as event_type,
    day_of(n, 'decided', date '2022-01-01', named_on, 1300) as decided_on
from happened;

create view "credit.events" as
select
    'V' || lpad(cast(n as varchar), 10, '0') as event_no,
    case
        when draw(n, 'event_named', 10) = 0 then null
        when event_type = 'judgment_defaulter' then uscc[9:17]
        else uscc
    end as uscc,
    written(n, 'event_name', name) as enterprise_name,
    event_type,
    case when draw(n, 'unstated', 8) > 0 then one_of(n, 'severity', ['minor', 'minor', 'general', 'serious']) end as severity,
    '行政处罚法' as legal_basis,
    'D' || n as document_no,
    '样本机关' as issuing_body,
    decided_on,
    case when draw(n, 'ends', 3) > 0 then decided_on + cast(one_of(n, 'publicity', [180, 365, 1095]) as integer) end as publicity_end_on,
    case when draw(n, 'removed', 10) = 0 then decided_on + 200 end as removed_on,
    timestamp '2025-06-20 08:00:00' as updated_at
from event;

create view "credit.repairs" as
select
    'R' || lpad(cast(n as varchar), 10, '0') as repair_no,
    'V' || lpad(cast(n as varchar), 10, '0') as event_no,
    decided_on + 60 as accepted_on,
    decided_on + 90 as decided_on,
    one_of(n, 'repair', ['granted', 'granted', 'refused']) as result,
    timestamp '2025-06-20 08:00:00' as updated_at
from event
where draw(n, 'repaired', 3) = 0;
