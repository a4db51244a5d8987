with platforms as (
    {{ landed('science', 'platforms') }}
),

awards as (
    {{ landed('science', 'awards') }}
),

-- An enterprise named twice on one award (as its branch, or by an old name) has won it once.
winners as (
    select distinct
        uscc,
        record_ref
    from {{ ref('int_mentions__resolved') }}
    where source = 'science' and dataset = 'awards' and uscc is not null
),

projects as (
    {{ landed('science', 'projects') }}
),

investments as (
    {{ landed('science', 'venture_investments') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

recent_platforms as (
    select
        coalesce(redirected.uscc, platforms.uscc) as uscc,
        'C15' as indicator_code,
        {{ counted_record(
            'platforms', 'science', 'platforms', 'platforms.platform_no', 'platforms.recognised_on', level='platforms.level'
        ) }}
    from platforms
    inner join in_force
        on
            platforms.recognised_on > in_force.two_years_before_as_of_on
            and platforms.recognised_on <= in_force.as_of
            and (platforms.valid_to is null or platforms.valid_to >= in_force.as_of)
    left join redirected on platforms.uscc = redirected.code
    where platforms.level in ('national', 'provincial')
),

recent_awards as (
    select
        winners.uscc,
        'C16' as indicator_code,
        {{ counted_record(
            'awards', 'science', 'awards', 'awards.award_no', 'awards.announced_on', level='awards.level'
        ) }}
    from awards
    inner join in_force
        on
            awards.award_year between in_force.reporting_year - 1 and in_force.reporting_year
            and awards.announced_on <= in_force.as_of
    inner join winners on awards.award_no = winners.record_ref
    where awards.level in ('national', 'provincial')
),

recent_projects as (
    select
        coalesce(redirected.uscc, projects.uscc) as uscc,
        'C17' as indicator_code,
        {{ counted_record(
            'projects', 'science', 'projects', 'projects.project_no', 'projects.approved_on', level='projects.level'
        ) }}
    from projects
    inner join in_force on projects.approved_on between in_force.prior_year_start_on and in_force.year_end_on
    left join redirected on projects.uscc = redirected.code
    where projects.level in ('national', 'provincial')
),

paid_in as (
    select
        coalesce(redirected.uscc, investments.uscc) as uscc,
        'C18' as indicator_code,
        {{ counted_record(
            'investments', 'science', 'venture_investments', 'investments.investment_no', 'investments.paid_in_on',
            quantity=to_wan_cny('investments.paid_in_cny')
        ) }}
    from investments
    inner join in_force on investments.paid_in_on between in_force.year_start_on and in_force.year_end_on
    left join redirected on investments.uscc = redirected.code
),

counted as (
    select * from recent_platforms
    union all
    select * from recent_awards
    union all
    select * from recent_projects
    union all
    select * from paid_in
)

select * from counted
