with reports as (
    select * from {{ ref('credit_reports') }}
),

consented as (
    select * from {{ ref('ext_bank__scores') }}
),

figures as (
    select
        uscc,
        {{ joined_text("fact || ': ' || band", '; ') }} as figure_bands,
        {{ joined_text("fact || ': ' || " ~ plain_number('number') ~ " || ' ' || unit", '; ') }} as figures
    from {{ ref('credit_figures') }}
    group by uscc
),

reported as (
    select
        consented.recipient,
        consented.consent_id,
        consented.consent_valid_from,
        consented.consent_valid_to,
        consented.consent_withdrawn_on,
        consented.data_classes,
        consented.purpose,
        consented.uscc,
        consented.enterprise_name,
        consented.as_of,
        consented.ruleset_id,
        consented.stage,
        reports.score,
        consented.points_total,
        reports.points_available,
        reports.rank_in_stage,
        reports.peers_in_stage,
        reports.strengths_zh,
        reports.losses_zh,
        reports.tax_grade,
        reports.credit_grade,
        reports.dishonesty_entries,
        reports.published_penalties,
        reports.restrictions,
        reports.is_in_good_standing,
        figures.figure_bands,
        -- The figures themselves under a consent to raw values alone.
        case when instr(',' || replace(consented.data_classes, ' ', '') || ',', ',raw,') > 0 then figures.figures end as figures
    from consented
    left join reports on consented.uscc = reports.uscc
    left join figures on consented.uscc = figures.uscc
)

select * from reported
