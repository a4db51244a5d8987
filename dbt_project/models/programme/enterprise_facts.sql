-- The facts of each eligible enterprise, one column for each fact of `programme_facts`: null is not known, which no condition
-- takes for 0.
{% set titles = ['tech_sme', 'innovative_sme', 'hnte', 'specialised_sme', 'little_giant', 'champion'] %}
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

eligibility as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

-- A score out of a few points, or under a veto, is no standing: what is not ranked has none of these facts.
rankings as (
    select * from {{ ref('rankings') }}
    where is_ranked
),

class_totals as (
    select * from {{ ref('class_totals') }}
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

grades as (
    select * from {{ ref('int_grades__latest') }}
),

credit as (
    select * from {{ ref('credit_standing') }}
),

event_counts as (
    select
        uscc,
        sum(case when event_type in ('serious_dishonesty', 'judgment_defaulter') then 1 else 0 end) as listed,
        sum(case when event_type in ('serious_dishonesty', 'judgment_defaulter') and has_basis then 1 else 0 end) as based,
        sum(case when event_type = 'administrative_penalty' then 1 else 0 end) as published_penalties
    from {{ ref('credit_events') }}
    group by uscc
),

-- Nothing may follow from an entry without its basis, and it does not prove the enterprise clean.
events as (
    select
        uscc,
        case when based > 0 or listed = 0 then based end as dishonesty_entries,
        published_penalties
    from event_counts
),

restricted as (
    select
        uscc,
        count(*) as restrictions
    from {{ ref('restrictions') }}
    where is_restricting and measure_id = 'policy-incentives'
    group by uscc
),

borrowed as (
    select
        uscc,
        case when count(*) = count(overdue_days_max) then max(overdue_days_max) end as overdue_days,
        case when count(*) = count(non_performing_count) then sum(non_performing_count) end as non_performing_loans,
        case when count(*) = count(balance_cny) then sum(balance_cny) end as loan_balance_cny
    from {{ ref('loans') }}
    group by uscc
),

titles as (
    {{ landed('science', 'titles') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
    where not is_of_branch
),

supply as (
    select * from {{ ref('supply') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

modules as (
    select
        uscc,
        module,
        cast(sum(points) as decimal(18, 6)) as points,
        cast(sum(points_available) as decimal(18, 6)) as points_available,
        cast(sum(points_maximum) as decimal(18, 6)) as points_maximum
    from class_totals
    -- The classes within others are in these.
    where parent_class is null
    group by uscc, module
),

-- The score of a module by itself, of the ranked alone, and where as great a part of its points is available as must be of all.
module_scores as (
    select
        modules.uscc,
        modules.module,
        {{ ratio('greatest(modules.points, 0)', 'modules.points_available', times=100, scale=4) }} as score
    from modules
    inner join rankings on modules.uscc = rankings.uscc
    inner join in_force
        on modules.points_available * rankings.points_maximum >= modules.points_maximum * in_force.minimum_points_available
),

held_titles as (
    select
        coalesce(redirected.uscc, titles.uscc) as uscc,
        {% for title in titles %}
            sum(case when titles.title = '{{ title }}' then 1 else 0 end) as title_{{ title }}{{ ',' if not loop.last }}
        {% endfor %}
    from titles
    inner join in_force
        on
            titles.issued_on <= in_force.as_of
            and (titles.valid_to is null or titles.valid_to >= in_force.as_of)
            and (titles.revoked_on is null or titles.revoked_on > in_force.as_of)
    left join redirected on titles.uscc = redirected.code
    group by coalesce(redirected.uscc, titles.uscc)
),

refused as (
    select * from {{ ref('int_refusals__resolved') }}
),

lending as (
    select min(case when is_supplied and coverage = 'full' then 1 else 0 end) as is_whole
    from supply
    where dataset = 'loans'
),

-- The meaning of a missing record differs by source. The debt of an enterprise is known only where every bank that lends
-- reported, also that of one which borrows at only one of them.
absences as (
    select
        enterprises.uscc,
        {{ absent_means('science', 'titles') }} as no_title,
        case
            when
                lending.is_whole = 1
                and enterprises.uscc not in (select refused.uscc from refused where refused.dataset = 'loans')
                then 0
        end as no_loan,
        case when credit.active_credit_events is not null then 0 end as no_event
    from enterprises
    cross join lending
    left join credit on enterprises.uscc = credit.uscc
),

facts as (
    select
        enterprises.uscc,
        enterprises.enterprise_id,
        cast(rankings.score as decimal(20, 6)) as score,
        cast(core_scores.score as decimal(20, 6)) as core_score,
        cast(local_scores.score as decimal(20, 6)) as local_score,
        cast(rankings.points_total as decimal(20, 6)) as points_total,
        cast(rankings.rank_overall as decimal(20, 6)) as rank_overall,
        cast(rankings.percentile as decimal(20, 6)) as percentile,
        cast(rankings.rank_in_stage as decimal(20, 6)) as rank_in_stage,
        cast(rankings.percentile_in_stage as decimal(20, 6)) as percentile_in_stage,
        cast(enterprises.stage as varchar) as stage,
        cast(enterprises.industry_code as varchar) as industry_code,
        cast({{ whole_months('enterprises.founded_on', 'in_force.as_of') }} as decimal(20, 6)) as age_months,
        enterprises.founded_on as age_months_since,
        cast({{ whole_months('eligibility.zone_member_from', 'in_force.as_of') }} as decimal(20, 6)) as member_months,
        eligibility.zone_member_from as member_months_since,
        cast(filings.operating_revenue_cny as decimal(20, 6)) as revenue_cny,
        cast(filings.prior_operating_revenue_cny as decimal(20, 6)) as prior_revenue_cny,
        -- Under two years old, an enterprise had no two whole years. Half a fen is not money: the mean of two is rounded down.
        cast(
            case
                when {{ whole_months('enterprises.founded_on', 'in_force.as_of') }} < 24 then filings.operating_revenue_cny
                else
                    {{ divided_down('filings.operating_revenue_cny * 100 + filings.prior_operating_revenue_cny * 100', 2) }}
                    * 0.01
            end as decimal(20, 6)
        ) as average_revenue_cny,
        cast(filings.rd_expense_cny as decimal(20, 6)) as rd_expense_cny,
        cast(credit.credit_grade as varchar) as credit_grade,
        cast(grades.grade as varchar) as tax_grade,
        cast(
            absences.no_event + case when events.uscc is null then 0 else events.dishonesty_entries end as decimal(20, 6)
        ) as dishonesty_entries,
        cast(coalesce(events.published_penalties, 0) + absences.no_event as decimal(20, 6)) as published_penalties,
        cast(coalesce(restricted.restrictions, 0) + absences.no_event as decimal(20, 6)) as restrictions,
        cast(
            absences.no_loan + case when borrowed.uscc is null then 0 else borrowed.overdue_days end as decimal(20, 6)
        ) as overdue_days,
        cast(
            absences.no_loan + case when borrowed.uscc is null then 0 else borrowed.non_performing_loans end as decimal(20, 6)
        ) as non_performing_loans,
        cast(
            absences.no_loan + case when borrowed.uscc is null then 0 else borrowed.loan_balance_cny end as decimal(20, 6)
        ) as loan_balance_cny
        {%- for title in titles %},
        cast(coalesce(held_titles.title_{{ title }}, absences.no_title) as decimal(20, 6)) as title_{{ title }}
        {%- endfor %}
    from enterprises
    cross join in_force
    inner join eligibility on enterprises.uscc = eligibility.uscc
    inner join absences on enterprises.uscc = absences.uscc
    left join rankings on enterprises.uscc = rankings.uscc
    left join module_scores as core_scores on enterprises.uscc = core_scores.uscc and core_scores.module = 'core'
    left join module_scores as local_scores on enterprises.uscc = local_scores.uscc and local_scores.module = 'local'
    left join filings on enterprises.uscc = filings.uscc
    left join grades on enterprises.uscc = grades.uscc
    left join credit on enterprises.uscc = credit.uscc
    left join events on enterprises.uscc = events.uscc
    left join restricted on enterprises.uscc = restricted.uscc
    left join borrowed on enterprises.uscc = borrowed.uscc
    left join held_titles on enterprises.uscc = held_titles.uscc
)

select * from facts
