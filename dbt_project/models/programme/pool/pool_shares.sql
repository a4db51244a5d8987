{{ config(materialized='table') }}

{%- set parties = ['government', 'guarantor', 'bank'] -%}
with guarantees as (
    select * from {{ ref('pool_guarantees') }}
),

claims as (
    select * from {{ ref('pool_claims') }}
),

summed as (
    select
        guarantee_no,
        {% for party in parties %}
            cast(sum(case when reported_state = 'claimed' then {{ party }}_fen else 0 end) as bigint) as {{ party }}_loss_fen,
            cast(sum(case when reported_state = 'recovered' then {{ party }}_fen else 0 end) as bigint)
                as {{ party }}_recovered_fen,
        {% endfor %}
        {{ latest_value('state', 'place', 'true') }} as state
    from claims
    where is_applied
    group by guarantee_no
),

shares as (
    {% for party in parties %}
        select
            guarantees.guarantee_no,
            '{{ party }}' as party,
            guarantees.pool_id,
            guarantees.agreement_id,
            guarantees.band,
            guarantees.uscc,
            summed.state,
            guarantees.{{ party }}_ppm as share_ppm,
            summed.{{ party }}_loss_fen as loss_fen,
            summed.{{ party }}_recovered_fen as recovered_fen,
            summed.{{ party }}_loss_fen - summed.{{ party }}_recovered_fen as borne_fen
        from summed
        inner join guarantees on summed.guarantee_no = guarantees.guarantee_no
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from shares
