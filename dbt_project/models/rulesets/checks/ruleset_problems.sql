with problems as (
    select * from {{ ref('problems_of_catalogue') }}
    union all
    select * from {{ ref('problems_of_weights') }}
    union all
    select * from {{ ref('problems_of_rules') }}
),

named_once as (
    select distinct
        ruleset_id,
        file,
        row_key,
        problem_zh,
        problem_en
    from problems
)

select * from named_once
