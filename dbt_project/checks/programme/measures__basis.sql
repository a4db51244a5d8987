-- restriction_measures: measure_id, version, event_type
-- 没有编号、版本、法律依据、首日或出处，或失信类别未知
-- no plain id or version, no legal basis, first day or provenance, or no such kind of entry
from restriction_measures
where
    legal_basis is null or valid_from is null or valid_to < valid_from or provenance is null or name_zh is null
    or name_en is null
    or not regexp_full_match(coalesce(measure_id, ''), '[a-z][a-z0-9-]*')
    or not regexp_full_match(coalesce(version, ''), '[A-Za-z0-9.-]*[A-Za-z0-9]')
    or coalesce(event_type, '') not in ('serious_dishonesty', 'judgment_defaulter')
