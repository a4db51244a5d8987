-- Guards: a share of the maximum stays within 0 and 1 over its whole segment; a step is flat; a segment with an open end is
-- flat; a capped line meets the next segment without a jump.
-- Why: a slope with one digit wrong gives a plausible score that no other check would notice.
with rules as (
    select * from {{ ref('rules') }}
),

ends as (
    select
        *,
        share_at_lo + coalesce((hi - lo) * slope, 0) as share_at_hi,
        lead(share_at_lo) over (partition by indicator_code, stage order by lo nulls first) as next_share
    from rules
)

select * from ends
where
    share_at_lo not between 0 and 1
    or share_at_hi not between 0 and 1
    or function not in ('step', 'linear_capped')
    or (function = 'step' and slope <> 0)
    or ((lo is null or hi is null) and slope <> 0)
    or (function = 'linear_capped' and share_at_hi <> next_share)
