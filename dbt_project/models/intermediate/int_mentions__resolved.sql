{{ config(materialized='table') }}

with sent as (
    select * from {{ ref('int_mentions__sent') }}
),

identifiers as (
    {{ landed('science', 'enterprise_identifiers') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

names as (
    select * from {{ ref('int_names__dated') }}
),

decisions as (
    select * from {{ ref('stg_pipeline__identity_decisions') }}
),

codes as (
    select * from {{ ref('int_codes__resolved') }}
),

decided as (
    select
        decisions.source,
        decisions.dataset,
        decisions.identifier,
        codes.uscc
    from decisions
    left join codes on decisions.uscc = codes.code
    -- A decision for a code that has left the register since is void: its identifier is listed again.
    where decisions.uscc is null or codes.uscc is not null
),

named as (
    select
        source,
        dataset,
        record_ref,
        identifier,
        {{ match_key('identifier') }} as name_key,
        mentioned_on
    from sent
    where kind = 'name'
),

units as (
    select * from sent
    where kind = 'number'
),

-- A number that the register gives to two enterprises, in whatever scheme, identifies none.
numbers as (
    select
        identifiers.identifier,
        min(coalesce(redirected.uscc, identifiers.uscc)) as first_uscc,
        max(coalesce(redirected.uscc, identifiers.uscc)) as last_uscc
    from identifiers
    left join redirected on identifiers.uscc = redirected.code
    group by identifiers.identifier
),

-- Some agencies use the code itself for a number.
numbered as (
    select
        units.source,
        units.dataset,
        units.identifier as record_ref,
        units.identifier,
        units.record_count,
        case
            when numbers.first_uscc is null then codes.uscc
            when numbers.first_uscc = numbers.last_uscc then numbers.first_uscc
        end as uscc,
        case
            when numbers.first_uscc <> numbers.last_uscc then 'ambiguous'
            when numbers.first_uscc is null and codes.uscc is null then 'unknown'
        end as reason,
        case
            when numbers.first_uscc = numbers.last_uscc then 'number'
            when numbers.first_uscc is null and codes.is_decided then 'decision'
            when numbers.first_uscc is null and codes.uscc is not null then 'code'
        end as matched_by
    from units
    left join numbers on units.identifier = numbers.identifier
    left join codes on units.identifier = codes.code
),

-- By the strict key.
counted_names as (
    select
        *,
        count(*) over (partition by name_key) as bearers
    from names
),

compared as (
    select
        named.source,
        named.dataset,
        named.record_ref,
        named.identifier,
        named.name_key,
        named.mentioned_on,
        counted_names.uscc,
        counted_names.bearers,
        counted_names.uscc is not null
        and coalesce({{ borne_on('counted_names', 'named.mentioned_on') }}, false) as is_borne
    from named
    left join counted_names on named.name_key = counted_names.name_key
),

-- Nearly every name belongs to one enterprise for one period: where that fits, nothing else is compared.
plain as (
    select
        source,
        dataset,
        record_ref,
        identifier,
        mentioned_on,
        uscc,
        cast(null as varchar) as reason,
        cast(1 as bigint) as record_count,
        'strict' as matched_by
    from compared
    where is_borne and bearers = 1
),

-- `first` and `last` are equal where one enterprise fits; `any_` regards no day.
strict as (
    select
        source,
        dataset,
        record_ref,
        identifier,
        name_key,
        mentioned_on,
        min(uscc) filter (where is_borne) as first_uscc,
        max(uscc) filter (where is_borne) as last_uscc,
        min(uscc) as any_first_uscc,
        max(uscc) as any_last_uscc
    from compared
    where not is_borne or bearers > 1
    group by source, dataset, record_ref, identifier, name_key, mentioned_on
),

left_over as (
    select
        *,
        {{ loose_match_key('name_key') }} as loose_key
    from strict
    where first_uscc is null
),

loose as (
    select
        left_over.source,
        left_over.dataset,
        left_over.record_ref,
        left_over.identifier,
        min(names.uscc) filter (where {{ borne_on('names', 'left_over.mentioned_on') }}) as first_uscc,
        max(names.uscc) filter (where {{ borne_on('names', 'left_over.mentioned_on') }}) as last_uscc,
        min(names.valid_from) as borne_from
    from left_over
    inner join names on left_over.loose_key = names.loose_key
    group by left_over.source, left_over.dataset, left_over.record_ref, left_over.identifier
),

-- No guesses: two enterprises that fit count as none, and so does a loose fit where the exact name is another enterprise's on
-- another day. A person's decision comes before a loose fit, and never before a strict one.
weighed as (
    select
        strict.source,
        strict.dataset,
        strict.record_ref,
        strict.identifier,
        strict.mentioned_on,
        decided.uscc as decided_uscc,
        case when strict.first_uscc = strict.last_uscc then strict.first_uscc end as strict_uscc,
        case
            when
                loose.first_uscc = loose.last_uscc
                and coalesce(strict.any_first_uscc, loose.first_uscc) = loose.first_uscc
                and coalesce(strict.any_last_uscc, loose.first_uscc) = loose.first_uscc
                then loose.first_uscc
        end as loose_uscc,
        decided.identifier is not null as is_decided,
        case
            when strict.first_uscc is not null or loose.first_uscc is not null then 'ambiguous'
            when strict.mentioned_on < loose.borne_from then 'not_yet_borne'
            when loose.borne_from is not null then 'no_longer_borne'
            else 'unknown'
        end as open_reason
    from strict
    left join loose
        on
            strict.source = loose.source
            and strict.dataset = loose.dataset
            and strict.record_ref = loose.record_ref
            and strict.identifier = loose.identifier
    left join decided
        on
            strict.source = decided.source
            and strict.dataset = decided.dataset
            and strict.identifier = decided.identifier
),

named_resolved as (
    select
        source,
        dataset,
        record_ref,
        identifier,
        mentioned_on,
        case
            when strict_uscc is not null then strict_uscc
            when is_decided then decided_uscc
            else loose_uscc
        end as uscc,
        case
            when strict_uscc is not null then null
            when is_decided and decided_uscc is null then 'decided_nobody'
            when not is_decided and loose_uscc is null then open_reason
        end as reason,
        cast(1 as bigint) as record_count,
        case
            when strict_uscc is not null then 'strict'
            when is_decided then 'decision'
            when loose_uscc is not null then 'loose'
        end as matched_by
    from weighed
),

numbered_resolved as (
    select
        numbered.source,
        numbered.dataset,
        numbered.record_ref,
        numbered.identifier,
        cast(null as date) as mentioned_on,
        case when decided.identifier is null then numbered.uscc else decided.uscc end as uscc,
        case
            when decided.identifier is null then numbered.reason
            when decided.uscc is null then 'decided_nobody'
        end as reason,
        numbered.record_count,
        case when decided.identifier is null then numbered.matched_by else 'decision' end as matched_by
    from numbered
    left join decided
        on
            numbered.source = decided.source
            and numbered.dataset = decided.dataset
            and numbered.identifier = decided.identifier
            -- The register's own number comes first; then a decision about this dataset, then one about the code elsewhere.
            and (numbered.uscc is null or numbered.matched_by = 'decision')
),

resolved as (
    select * from plain
    union all
    select * from named_resolved
    union all
    select * from numbered_resolved
)

select * from resolved
