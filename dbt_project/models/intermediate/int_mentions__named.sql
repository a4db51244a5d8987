{#-
    Every dataset that knows an enterprise by its name: how a record of it is referred to, the column with the name, the day
    on which the name was used, and which of its records are meant.
-#}
{%- set keyed_by_name = [
    ('patent', 'applications', 'cast(record_no as varchar)', 'applicants', 'filed_on', 'true'),
    ('patent', 'pct_applications', 'cast(record_no as varchar)', 'applicants', 'international_filed_on', 'true'),
    ('patent', 'software_and_layouts', 'cast(record_no as varchar)', 'owner_name', 'registered_on', 'true'),
    ('science', 'awards', 'award_no', 'winner_name', 'announced_on', 'true'),
    ('science', 'standards', "standard_no || '|' || drafter_name", 'drafter_name', 'published_on', 'true'),
    ('science', 'contest_results', 'result_no', 'contestant_name', 'held_on', 'true'),
    ('credit', 'evaluations', 'evaluation_no', 'enterprise_name', 'cast(null as date)', 'uscc is null'),
    ('credit', 'events', 'event_no', 'enterprise_name', 'cast(null as date)', 'uscc is null'),
] -%}
with applications as (
    select * from {{ ref('stg_patent__applications') }}
),

talents as (
    select * from {{ ref('stg_talent__talents') }}
),

-- Several who share a record share one text; each of them is a mention. The credit office names an enterprise by whatever
-- name it has on file, so no date narrows the match there.
plainly_named as (
    {% for source_name, dataset, record_ref, name, named_on, condition in keyed_by_name %}
        select
            '{{ source_name }}' as source,
            '{{ dataset }}' as dataset,
            {{ record_ref }} as record_ref,
            {{ split_rows("replace(" ~ name ~ ", '；', ';')", ';') }} as mentioned_name,
            {{ named_on }} as mentioned_on
        from {{ ref('stg_' ~ source_name ~ '__' ~ dataset) }}
        where {{ condition }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- Whom a recorded transfer names holds the patent from that day on, whoever applied for it.
transferred as (
    select
        'patent' as source,
        'applications_transferred' as dataset,
        cast(record_no as varchar) as record_ref,
        {{ split_rows("replace(transferred_to, '；', ';')", ';') }} as mentioned_name,
        transfer_recorded_on as mentioned_on
    from applications
    where transferred_to is not null and transfer_recorded_on is not null
),

-- The whole list comes each month: one mention per person and employer, by the day that the newest list says.
employed as (
    select
        'talent' as source,
        'talents' as dataset,
        talent_no as record_ref,
        trim(employer_name) as mentioned_name,
        {{ latest_value('recognised_on', 'month', 'true') }} as mentioned_on
    from talents
    group by talent_no, trim(employer_name)
),

mentions as (
    select * from plainly_named
    union all
    select * from transferred
    union all
    select * from employed
),

keyed as (
    select
        source,
        dataset,
        record_ref,
        mentioned_name as identifier,
        {{ match_key('mentioned_name') }} as name_key,
        mentioned_on
    from mentions
    -- Not `name_key is not empty`: an engine that looks there first makes every key twice.
    where {{ has_key('mentioned_name') }}
)

select * from keyed
