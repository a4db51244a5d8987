with landed as (
    select * from {{ source('credit', 'evaluations') }}
),

newest as (
    {{ newest_per_key('landed', ['evaluation_no'], ['updated_at']) }}
),

renamed as (
    select
        evaluation_no,
        uscc,
        enterprise_name,
        cast(batch_month as date) as batch_month,
        grade,
        cast(updated_at as timestamp) as updated_at
    from newest
)

select * from renamed
