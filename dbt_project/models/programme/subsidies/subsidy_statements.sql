{{ config(materialized='table') }}

with lines as (
    select * from {{ ref('subsidy_lines') }}
),

checks as (
    select * from {{ ref('subsidy_checks') }}
),

pay_list as (
    select * from {{ ref('subsidy_pay_list') }}
),

wordings as (
    select * from {{ ref('subsidy_wordings') }}
),

worded as (
    select
        checks.claim_no,
        checks.programme_id,
        checks.policy_year,
        checks.condition,
        coalesce(case when checks.is_met is null then wordings.unknown_zh else wordings.failed_zh end, checks.condition)
        || case when checks.fact is not null then '（' || checks.fact || '）' else '' end
        || case
            when checks.gap is not null then '，差 ' || cast(checks.gap as varchar) || ' ' || wordings.unit_zh else ''
        end as reason_zh,
        coalesce(case when checks.is_met is null then wordings.unknown_en else wordings.failed_en end, checks.condition)
        || case when checks.fact is not null then ' (' || checks.fact || ')' else '' end
        || case
            when checks.gap is not null then ', by ' || cast(checks.gap as varchar) || ' ' || wordings.unit_en else ''
        end as reason_en
    from checks
    inner join wordings on checks.condition = wordings.condition
    where not coalesce(checks.is_met, false)
),

reasons as (
    select
        claim_no,
        programme_id,
        policy_year,
        {{ joined_text('reason_zh', '；', 'condition') }} as reasons_zh,
        {{ joined_text('reason_en', '; ', 'condition') }} as reasons_en
    from worded
    group by claim_no, programme_id, policy_year
),

due as (
    select
        claim_no,
        programme_id,
        policy_year,
        max(stage) as stage,
        cast(sum(amount_fen) as bigint) as due_fen
    from pay_list
    group by claim_no, programme_id, policy_year
),

stated as (
    select
        lines.uscc,
        lines.claim_no,
        lines.programme_id,
        lines.policy_year,
        lines.granted_fen,
        coalesce(due.due_fen, 0) as due_fen,
        case when lines.is_eligible is null then 1 else 0 end as is_not_known,
        lines.claim_no || '（' || lines.programme_id || '，' || lines.contract_no || '）：'
        || coalesce(
            reasons.reasons_zh,
            '补贴 ' || {{ fen_text('lines.granted_fen') }} || ' 元；计 ' || cast(lines.counted_days as varchar) || ' 天（期间 '
            || cast(lines.days as varchar) || ' 天），档 ' || lines.tier || '，计算额 ' || {{ fen_text('lines.computed_fen') }}
            || ' 元，实付利息 ' || {{ fen_text('lines.interest_fen') }} || ' 元，限额后 '
            || {{ fen_text('lines.within_caps_fen') }} || ' 元'
        ) as text_zh,
        lines.claim_no || ' (' || lines.programme_id || ', ' || lines.contract_no || '): '
        || coalesce(
            reasons.reasons_en,
            {{ fen_text('lines.granted_fen') }} || ' CNY; ' || cast(lines.counted_days as varchar) || ' of '
            || cast(lines.days as varchar) || ' days count, tier ' || lines.tier || ', '
            || {{ fen_text('lines.computed_fen') }} || ' CNY by the rate, ' || {{ fen_text('lines.interest_fen') }}
            || ' CNY of interest paid, ' || {{ fen_text('lines.within_caps_fen') }} || ' CNY within the caps'
        ) as text_en
    from lines
    left join reasons
        on
            lines.claim_no = reasons.claim_no
            and lines.programme_id = reasons.programme_id
            and lines.policy_year = reasons.policy_year
    left join due
        on
            lines.claim_no = due.claim_no
            and lines.programme_id = due.programme_id
            and lines.policy_year = due.policy_year
),

statements as (
    select
        uscc,
        policy_year,
        count(*) as line_count,
        cast(sum(is_not_known) as bigint) as not_known_count,
        cast(coalesce(sum(granted_fen), 0) as bigint) as granted_fen,
        cast(sum(due_fen) as bigint) as due_fen,
        {{ joined_text('text_zh', '。', 'claim_no') }} as statement_zh,
        {{ joined_text('text_en', '. ', 'claim_no') }} as statement_en
    from stated
    group by uscc, policy_year
)

select * from statements
