-- Patent office: everything by name. One application in ten has a second applicant, one in thirty was transferred.

create view "patent.applications" as
with filed as (
    select *, i * 10 + unnest(several(i, 'patents', 40, 5)) as n from enterprise
),

dated as (
    select *, day_of(n, 'filed_on', date '2016-06-01', named_on, 3300) as filed_on, (i + 1 + draw(n, 'partner', 1000)) % $count as other
    from filed
)

select
    dated.n + 1 as record_no,
    'CN' || lpad(cast(dated.n as varchar), 12, '0') as application_no,
    written(dated.n, 'applicant', dated.name) || case
        when draw(dated.n, 'joint', 10) = 0 and others.i <> dated.i then '；' || others.name else '' end as applicants,
    one_of(dated.n, 'type', ['发明', '发明', '实用新型', '外观设计']) as patent_type,
    one_of(dated.n, 'ipc', ['G06F', 'H04L', 'H01L', 'G06N', 'H02J']) || ' 17/30' as ipc,
    dated.filed_on,
    case when draw(dated.n, 'granted', 3) > 0 then dated.filed_on + 500 end as granted_on,
    '有权' as legal_status,
    case when draw(dated.n, 'lapsed', 12) = 0 then dated.filed_on + 900 end as lapsed_on,
    case when draw(dated.n, 'valued', 4) = 0
        then one_of(dated.n, 'basis', ['strategic_industry', 'overseas_family', 'ten_years', 'pledge', 'award']) end as high_value_basis,
    case when draw(dated.n, 'moved', 30) = 0 then written(dated.n, 'new_holder', others.name) end as transferred_to,
    case when draw(dated.n, 'moved', 30) = 0 then greatest(others.named_on, dated.filed_on + 700) end as transfer_recorded_on
from dated
inner join enterprise as others on dated.other = others.i;

create view "patent.pct_applications" as
with filed as (
    select *, i * 10 + unnest(several(i, 'pct', 6, 3)) as n from enterprise
)

select
    n + 1 as record_no,
    'PCT/CN' || lpad(cast(n as varchar), 10, '0') as international_no,
    written(n, 'pct_applicant', name) as applicants,
    one_of(n, 'pct_ipc', ['G06F', 'H04L', 'H01L']) || ' 3/01' as ipc,
    day_of(n, 'pct_on', date '2023-06-01', named_on, 700) as international_filed_on
from filed;

create view "patent.software_and_layouts" as
with registered as (
    select *, i * 10 + unnest(several(i, 'software', 35, 6)) as n from enterprise
)

select
    n + 1 as record_no,
    'SR' || lpad(cast(n as varchar), 12, '0') as registration_no,
    case when draw(n, 'layout', 10) = 0 then 'ic_layout' else 'software' end as kind,
    'V1.0' as title,
    written(n, 'owner', name) as owner_name,
    day_of(n, 'registered', date '2017-01-01', named_on, 3200) as registered_on
from registered;
