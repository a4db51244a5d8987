with landed as (
    select * from {{ source('talent', 'persons') }}
),

newest as (
    {{ newest_per_key('landed', ['person_hash', 'unit_no', 'month'], []) }}
),

renamed as (
    select
        person_hash,
        unit_no,
        cast(month as date) as month,
        degree,
        cast(is_postdoc as boolean) as is_postdoc,
        title_level,
        skill_level,
        cast(joined_on as date) as joined_on,
        cast(left_on as date) as left_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from newest
)

select * from renamed
