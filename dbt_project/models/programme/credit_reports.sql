-- What stands behind an enterprise's credit on the business date: its points and what they come from, grades, entries on lists,
-- penalties in their publicity period. Whoever has the best grades and nothing against it is in good standing.
with facts as (
    select * from {{ ref('enterprise_facts') }}
),

rankings as (
    select * from {{ ref('rankings') }}
),

credit as (
    select * from {{ ref('credit_standing') }}
),

reasons as (
    select * from {{ ref('reasons') }}
),

placed as (
    select
        uscc,
        reason_zh,
        reason_en,
        row_number() over (partition by uscc order by points desc, indicator_code asc) as place
    from reasons
    where points > 0
),

strengths as (
    select
        uscc,
        {{ joined_text('reason_zh', '；', 'place') }} as strengths_zh,
        {{ joined_text('reason_en', '; ', 'place') }} as strengths_en
    from placed
    where place <= 3
    group by uscc
),

losses as (
    select
        uscc,
        {{ joined_text('reason_zh', '；', 'loss_rank') }} as losses_zh,
        {{ joined_text('reason_en', '; ', 'loss_rank') }} as losses_en
    from {{ ref('top_reasons') }}
    where loss_rank <= 3
    group by uscc
),

reported as (
    select
        facts.uscc,
        rankings.enterprise_name,
        rankings.as_of,
        rankings.ruleset_id,
        rankings.stage,
        rankings.score,
        rankings.points_total,
        rankings.points_available,
        rankings.rank_overall,
        rankings.peers_overall,
        rankings.rank_in_stage,
        rankings.peers_in_stage,
        strengths.strengths_zh,
        strengths.strengths_en,
        losses.losses_zh,
        losses.losses_en,
        facts.tax_grade,
        facts.credit_grade,
        credit.credit_grade_month,
        cast(facts.dishonesty_entries as bigint) as dishonesty_entries,
        cast(facts.published_penalties as bigint) as published_penalties,
        cast(facts.restrictions as bigint) as restrictions,
        -- Unknown is not good.
        coalesce(
            facts.tax_grade = 'A'
            and facts.credit_grade = 'A'
            and facts.dishonesty_entries = 0
            and facts.published_penalties = 0,
            false
        ) as is_in_good_standing
    from facts
    inner join rankings on facts.uscc = rankings.uscc
    left join credit on facts.uscc = credit.uscc
    left join strengths on facts.uscc = strengths.uscc
    left join losses on facts.uscc = losses.uscc
)

select * from reported
