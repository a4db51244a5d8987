{{ config(meta={'whose': 'config'}) }}
select * from {{ ref('cases_decided') }}
where
    decision is distinct from expected
    or (kind = 'product' and limit_fen is distinct from expected_limit_fen)
