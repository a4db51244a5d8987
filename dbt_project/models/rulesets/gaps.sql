with all_treatments as (
    select * from {{ ref('ruleset_missing') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

-- What is said of one indicator goes before what is said of all.
treated as (
    select
        indicators.ruleset_id,
        indicators.indicator_code,
        all_treatments.supply_status,
        all_treatments.treatment,
        all_treatments.reason_zh,
        all_treatments.reason_en,
        row_number() over (
            partition by indicators.indicator_code, all_treatments.supply_status
            order by case when all_treatments.indicator_code = '*' then 1 else 0 end
        ) as choice
    from indicators
    inner join all_treatments
        on
            indicators.ruleset_id = all_treatments.ruleset_id
            and (indicators.indicator_code = all_treatments.indicator_code or all_treatments.indicator_code = '*')
),

chosen as (
    select
        ruleset_id,
        indicator_code,
        supply_status,
        -- The numbers by which `measures` says why there is no value; the last one comes of comparing with peers.
        case supply_status
            when 'source_not_supplied' then 1
            when 'record_not_supplied' then 2
            when 'value_not_supplied' then 3
            when 'not_defined' then 4
            when 'too_few_peers' then 5
        end as status,
        treatment,
        reason_zh,
        reason_en
    from treated
    where choice = 1
)

select * from chosen
where status is not null
