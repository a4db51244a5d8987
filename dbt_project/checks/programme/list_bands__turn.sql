-- public_list_bands: list_id, version, band_no
-- 档次须为 1、2、3……依次，比例须大于 0、不超过 100，且后一档大于前一档
-- bands are not 1, 2, 3 in turn, or top_pct is not above 0, up to 100 and above that of the band before
from (
    select
        *,
        row_number() over ordered as turn,
        coalesce(lag(top_pct) over ordered, 0) as narrower
    from public_list_bands
    window ordered as (partition by list_id, version order by band_no)
)
where
    band_no is distinct from turn or (top_pct > narrower and top_pct <= 100) is not true
    or name_zh is null or name_en is null
