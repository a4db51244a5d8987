with filings as (
    select * from {{ ref('int_filings__latest') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

torch_reports as (
    select * from {{ ref('int_torch__reported') }}
),

scopes as (
    select * from {{ ref('stg_science__business_scopes') }}
),

records as (
    select
        uscc,
        'tax' as source,
        'statements' as dataset,
        0 as years_back
    from filings
    where has_filing
    union all
    select
        uscc,
        'tax' as source,
        'statements' as dataset,
        1 as years_back
    from filings
    where has_prior_filing
    union all
    select
        uscc,
        'talent' as source,
        'headcounts' as dataset,
        0 as years_back
    from headcounts
    union all
    select
        uscc,
        'science' as source,
        'torch_reports' as dataset,
        0 as years_back
    from torch_reports
    union all
    select distinct
        uscc,
        'science' as source,
        'business_scopes' as dataset,
        0 as years_back
    from scopes
)

select * from records
