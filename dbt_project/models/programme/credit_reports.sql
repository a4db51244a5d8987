-- The credit of an enterprise on the business date: its points and their main sources, grades, entries on lists, penalties in
-- their publicity period. An enterprise with the best grades and no entry is in good standing.
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

-- Equal points in the order of their codes, as the segments are.
placed as (
    select
        enterprise_id,
        segment_id,
        row_number() over (partition by enterprise_id order by points desc, segment_id asc) as place
    from {{ ref('scores') }}
    where points > 0
),

strongest as (
    select
        facts.uscc,
        segments.indicator_code,
        placed.place
    from placed
    inner join facts on placed.enterprise_id = facts.enterprise_id
    inner join {{ ref('segments') }} as segments on placed.segment_id = segments.segment_id
    where placed.place <= 3
),

strengths as (
    select
        strongest.uscc,
        {{ joined_first_three('reasons.reason_zh', '；', 'strongest.place') }} as strengths_zh,
        {{ joined_first_three('reasons.reason_en', '; ', 'strongest.place') }} as strengths_en
    from strongest
    inner join reasons on strongest.uscc = reasons.uscc and strongest.indicator_code = reasons.indicator_code
    group by strongest.uscc
),

losses as (
    select
        uscc,
        {{ joined_first_three('reason_zh', '；', 'loss_rank') }} as losses_zh,
        {{ joined_first_three('reason_en', '; ', 'loss_rank') }} as losses_en
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
