with applications as (
    select * from {{ ref('stg_patent__applications') }}
),

pct_applications as (
    select * from {{ ref('stg_patent__pct_applications') }}
),

awards as (
    select * from {{ ref('stg_science__awards') }}
),

evaluations as (
    select * from {{ ref('stg_credit__evaluations') }}
),

events as (
    select * from {{ ref('stg_credit__events') }}
),

-- Joint applicants share one text; each of them is a mention, and each counts the application once, in full.
applicants as (
    select
        'patent' as source,
        'applications' as dataset,
        cast(record_no as varchar) as record_ref,
        {{ split_rows("replace(applicants, '；', ';')", ';') }} as mentioned_name,
        filed_on as mentioned_on
    from applications
),

pct_applicants as (
    select
        'patent' as source,
        'pct_applications' as dataset,
        cast(record_no as varchar) as record_ref,
        {{ split_rows("replace(applicants, '；', ';')", ';') }} as mentioned_name,
        international_filed_on as mentioned_on
    from pct_applications
),

winners as (
    select
        'science' as source,
        'awards' as dataset,
        award_no as record_ref,
        winner_name as mentioned_name,
        announced_on as mentioned_on
    from awards
),

-- The credit office names an enterprise by whatever name it has on file, so no date narrows the match.
evaluated as (
    select
        'credit' as source,
        'evaluations' as dataset,
        evaluation_no as record_ref,
        enterprise_name as mentioned_name,
        cast(null as date) as mentioned_on
    from evaluations
    where uscc is null
),

sanctioned as (
    select
        'credit' as source,
        'events' as dataset,
        event_no as record_ref,
        enterprise_name as mentioned_name,
        cast(null as date) as mentioned_on
    from events
    where uscc is null
),

mentions as (
    select * from applicants
    union all
    select * from pct_applicants
    union all
    select * from winners
    union all
    select * from evaluated
    union all
    select * from sanctioned
),

keyed as (
    select
        source,
        dataset,
        record_ref,
        trim(mentioned_name) as identifier,
        {{ match_key('mentioned_name') }} as name_key,
        mentioned_on
    from mentions
)

select * from keyed
where name_key <> ''
