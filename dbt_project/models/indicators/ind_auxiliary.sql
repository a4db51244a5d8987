with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

platforms as (
    select * from {{ ref('stg_science__platforms') }}
),

awards as (
    select * from {{ ref('stg_science__awards') }}
),

winners as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'science' and dataset = 'awards' and uscc is not null
),

projects as (
    select * from {{ ref('stg_science__projects') }}
),

investments as (
    select * from {{ ref('stg_science__venture_investments') }}
),

supply as (
    select * from {{ ref('stg_pipeline__supply') }}
),

recent_platforms as (
    select
        platforms.uscc,
        count(*) as platform_count
    from platforms
    inner join in_force
        on
            platforms.recognised_on > in_force.two_years_before_as_of_on
            and platforms.recognised_on <= in_force.as_of
            and (platforms.valid_to is null or platforms.valid_to >= in_force.as_of)
    where platforms.level in ('national', 'provincial')
    group by platforms.uscc
),

recent_awards as (
    select
        winners.uscc,
        count(*) as award_count
    from awards
    inner join in_force
        on
            awards.award_year between in_force.reporting_year - 1 and in_force.reporting_year
            and awards.announced_on <= in_force.as_of
    inner join winners on awards.award_no = winners.record_ref
    where awards.level in ('national', 'provincial')
    group by winners.uscc
),

recent_projects as (
    select
        projects.uscc,
        count(*) as project_count
    from projects
    inner join in_force on projects.approved_on between in_force.prior_year_start_on and in_force.year_end_on
    where projects.level in ('national', 'provincial')
    group by projects.uscc
),

paid_in as (
    select
        investments.uscc,
        sum(investments.paid_in_cny) as paid_in_cny
    from investments
    inner join in_force on investments.paid_in_on between in_force.year_start_on and in_force.year_end_on
    group by investments.uscc
),

joined as (
    select
        enterprises.uscc,
        enterprises.reporting_year,
        headcounts.new_graduates,
        coalesce(recent_platforms.platform_count, {{ absent_means('science', 'platforms') }}) as platform_count,
        coalesce(recent_awards.award_count, {{ absent_means('science', 'awards') }}) as award_count,
        coalesce(recent_projects.project_count, {{ absent_means('science', 'projects') }}) as project_count,
        coalesce(paid_in.paid_in_cny, {{ absent_means('science', 'venture_investments') }}) as paid_in_cny
    from enterprises
    left join headcounts on enterprises.uscc = headcounts.uscc
    left join recent_platforms on enterprises.uscc = recent_platforms.uscc
    left join recent_awards on enterprises.uscc = recent_awards.uscc
    left join recent_projects on enterprises.uscc = recent_projects.uscc
    left join paid_in on enterprises.uscc = paid_in.uscc
),

measured as (
    select
        uscc,
        reporting_year,
        cast(new_graduates as decimal(20, 6)) as c14_new_graduates_count,
        cast(platform_count as decimal(20, 6)) as c15_platforms_count,
        cast(award_count as decimal(20, 6)) as c16_awards_count,
        cast(project_count as decimal(20, 6)) as c17_projects_count,
        {{ to_wan_cny('paid_in_cny') }} as c18_venture_capital_wan_cny
    from joined
)

select * from measured
