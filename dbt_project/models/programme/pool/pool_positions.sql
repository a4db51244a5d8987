{{ config(materialized='table') }}

with guarantees as (
    select * from {{ ref('pool_guarantees') }}
),

claims as (
    select * from {{ ref('pool_claims') }}
),

terms as (
    select * from {{ ref('pool_terms') }}
),

agreements as (
    select * from {{ ref('pool_agreements') }}
),

restarts as (
    select * from {{ ref('pool_restarts') }}
),

funds as (
    {{ landed('finance', 'pool_funds') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

came_to as (
    select
        guarantee_no,
        {{ latest_value('state', 'place', 'true') }} as state,
        max(loss_fen) as loss_fen,
        max(recovered_fen) as recovered_fen,
        max(case when reported_state = 'claimed' then happened_on end) as claimed_on
    from claims
    where is_applied
    group by guarantee_no
),

-- A guarantee that is compensated or written off covers no loan any more.
standing as (
    select
        guarantees.pool_id,
        guarantees.bank,
        guarantees.guarantor,
        guarantees.principal_fen,
        guarantees.outstanding_fen,
        guarantees.is_balance_known,
        {{ divided_down(wide('guarantees.outstanding_fen') ~ ' * guarantees.government_ppm', '1000000') }} as government_fen,
        coalesce(came_to.state, 'none') as state,
        case
            when came_to.state is null then guarantees.is_in_force
            else came_to.state in ('claimed', 'guarantor_paid', 'filed', 'approved')
        end as is_open,
        coalesce(came_to.loss_fen, 0) as loss_fen,
        coalesce(came_to.recovered_fen, 0) as recovered_fen,
        extract(year from guarantees.valid_from) = extract(year from guarantees.as_of) as entered_this_year,
        coalesce(extract(year from came_to.claimed_on) = extract(year from guarantees.as_of), false) as claimed_this_year
    from guarantees
    left join came_to on guarantees.guarantee_no = came_to.guarantee_no
    where guarantees.problem is null
),

agreed as (
    select agreements.*
    from agreements
    cross join in_force
    where agreements.valid_from <= in_force.as_of and coalesce(agreements.valid_to >= in_force.as_of, true)
),

scopes as (
    {% for scope, column in {'pool': 'pool_id', 'bank': 'bank', 'guarantor': 'guarantor'}.items() %}
        select
            agreed.pool_id,
            '{{ scope }}' as scope,
            agreed.{{ column }} as party,
            cast(sum({{ to_fen('agreed.limit_cny') }}) as bigint) as limit_fen
        from agreed
        group by agreed.pool_id, agreed.{{ column }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

summed as (
    {% for scope, column in {'pool': 'pool_id', 'bank': 'bank', 'guarantor': 'guarantor'}.items() %}
        select
            pool_id,
            '{{ scope }}' as scope,
            {{ column }} as party,
            count(case when is_open then 1 end) as guarantee_count,
            count(case when is_open and not is_balance_known then 1 end) as balance_not_known_count,
            cast(sum(case when is_open then outstanding_fen else 0 end) as bigint) as balance_fen,
            cast(sum(case when is_open then government_fen else 0 end) as bigint) as committed_fen,
            cast(sum(
                case when is_open then principal_fen - outstanding_fen when state = 'none' then principal_fen else 0 end
            ) as bigint) as released_fen,
            cast(sum(case when entered_this_year then principal_fen else 0 end) as bigint) as entered_fen,
            cast(sum(case when claimed_this_year then loss_fen else 0 end) as bigint) as claimed_fen,
            cast(sum(case when state = 'none' and is_open then outstanding_fen else 0 end) as bigint) as good_fen,
            cast(sum(
                case when state not in ('none', 'written_off') then loss_fen - recovered_fen else 0 end
            ) as bigint) as bad_fen
        from standing
        group by pool_id, {{ column }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

paid_in as (
    select
        funds.pool_id,
        sum(case when funds.kind = 'withdrawn' then -{{ to_fen('funds.amount_cny') }} else {{ to_fen('funds.amount_cny') }} end)
            as funds_fen
    from funds
    inner join in_force on funds.moved_on <= in_force.as_of
    group by funds.pool_id
),

changed as (
    select
        pool_id,
        sum(pool_change_fen) as change_fen
    from claims
    group by pool_id
),

measured as (
    select
        scopes.pool_id,
        scopes.scope,
        scopes.party,
        coalesce(summed.guarantee_count, 0) as guarantee_count,
        coalesce(summed.balance_not_known_count, 0) as balance_not_known_count,
        coalesce(summed.balance_fen, 0) as balance_fen,
        coalesce(summed.committed_fen, 0) as committed_fen,
        coalesce(summed.released_fen, 0) as released_fen,
        -- The money of a pool without reports is not known.
        case
            when scopes.scope = 'pool' then cast(paid_in.funds_fen + coalesce(changed.change_fen, 0) as bigint)
        end as pool_fen,
        case
            when scopes.scope = 'pool'
                then cast((paid_in.funds_fen + coalesce(changed.change_fen, 0)) * terms.leverage_times as bigint)
            else scopes.limit_fen
        end as limit_fen,
        terms.npl_denominator,
        case
            when terms.npl_denominator = 'balance' then coalesce(summed.bad_fen, 0)
            else coalesce(summed.claimed_fen, 0)
        end as bad_fen,
        case
            when terms.npl_denominator = 'balance' then coalesce(summed.good_fen + summed.bad_fen, 0)
            else coalesce(summed.entered_fen, 0)
        end as denominator_fen,
        {{ to_ppm('terms.warn_pct') }} as warn_ppm,
        {{ to_ppm('terms.stop_pct') }} as stop_ppm,
        {{ to_ppm('restarts.stop_pct') }} as restart_stop_ppm,
        restarts.valid_from as restarted_on,
        restarts.decided_by as restart_decided_by,
        restarts.reason_zh as restart_reason_zh,
        restarts.reason_en as restart_reason_en
    from scopes
    inner join terms on scopes.pool_id = terms.pool_id
    left join summed on scopes.pool_id = summed.pool_id and scopes.scope = summed.scope and scopes.party = summed.party
    left join paid_in on scopes.pool_id = paid_in.pool_id
    left join changed on scopes.pool_id = changed.pool_id
    cross join in_force
    left join restarts
        on
            scopes.pool_id = restarts.pool_id
            and scopes.scope = restarts.scope
            and scopes.party = restarts.party
            and in_force.as_of >= restarts.valid_from
            and in_force.as_of <= restarts.valid_to
),

positions as (
    select
        *,
        case
            when pool_fen > 0 then {{ divided_down(wide('balance_fen') ~ ' * 1000000', 'greatest(pool_fen, 1)') }}
        end as leverage_ppm,
        case
            when denominator_fen > 0 then {{ divided_down(wide('bad_fen') ~ ' * 1000000', 'greatest(denominator_fen, 1)') }}
        end as npl_ppm,
        limit_fen - balance_fen as headroom_fen,
        case
            when denominator_fen = 0 and bad_fen = 0 then 'ok'
            when denominator_fen = 0 then 'not_known'
            when
                {{ wide('bad_fen') }} * 1000000 > {{ wide('coalesce(restart_stop_ppm, stop_ppm)') }} * denominator_fen
                then 'stop'
            when {{ wide('bad_fen') }} * 1000000 > {{ wide('stop_ppm') }} * denominator_fen then 'restarted'
            when {{ wide('bad_fen') }} * 1000000 > {{ wide('warn_ppm') }} * denominator_fen then 'warn'
            else 'ok'
        end as line
    from measured
)

select * from positions
