-- What the pull would have said. One dataset was not supplied at all; some records of others were refused.

create view "pipeline.refusals" as
select source, dataset, case when draw(i, dataset, 2) = 0 then uscc end as uscc, case when draw(i, dataset, 2) = 1 then name end as name,
    cast(1 as bigint) as records
from enterprise, (values
    ('patent', 'applications'), ('patent', 'software_and_layouts'), ('science', 'platforms'), ('science', 'titles'),
    ('credit', 'events'), ('talent', 'persons'), ('tax', 'rd_deductions'), ('science', 'technology_contracts')
) as refused(source, dataset)
where draw(i, dataset || '.refused', 400) = 0;
