-- Guards: Q15: what is counted as held on the business date is granted or issued by then, and neither lapsed, revoked nor
-- expired.
-- Why: a patent whose fees were not paid, or a title that ran out, is no longer the enterprise's, whatever was once announced.
with evidence as (
    select * from {{ ref('evidence') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

terms as (
    select
        'applications' as dataset,
        cast(record_no as varchar) as record_ref,
        granted_on as begins_on,
        cast(null as date) as last_day,
        lapsed_on as ended_on
    from ({{ landed('patent', 'applications') }}) as applications
    union all
    select
        'titles' as dataset,
        certificate_no as record_ref,
        issued_on as begins_on,
        valid_to as last_day,
        revoked_on as ended_on
    from ({{ landed('science', 'titles') }}) as titles
    union all
    select
        'standards' as dataset,
        standard_no || '|' || drafter_name as record_ref,
        published_on as begins_on,
        cast(null as date) as last_day,
        withdrawn_on as ended_on
    from ({{ landed('science', 'standards') }}) as standards
    union all
    select
        'platforms' as dataset,
        platform_no as record_ref,
        recognised_on as begins_on,
        valid_to as last_day,
        cast(null as date) as ended_on
    from ({{ landed('science', 'platforms') }}) as platforms
    union all
    select
        'recognised_products' as dataset,
        product_no as record_ref,
        recognised_on as begins_on,
        valid_to as last_day,
        cast(null as date) as ended_on
    from ({{ landed('science', 'recognised_products') }}) as recognised_products
),

-- C05 counts what was applied for, granted or not: of applications only those counted as held are tested.
counted as (
    select * from evidence
    where indicator_code <> 'C05'
),

not_in_force as (
    select
        counted.uscc,
        counted.indicator_code,
        counted.record_ref
    from counted
    inner join terms on counted.dataset = terms.dataset and counted.record_ref = terms.record_ref
    cross join in_force
    where
        terms.begins_on is null
        or terms.begins_on > in_force.as_of
        or terms.last_day < in_force.as_of
        or terms.ended_on <= in_force.as_of
)

select * from not_in_force
