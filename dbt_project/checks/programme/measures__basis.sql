-- restriction_measures: measure_id, version, event_type
-- 没有法律依据、首日或出处，或失信类别未知
-- no legal basis, first day or provenance, or no such kind of entry
from restriction_measures
where legal_basis is null or valid_from is null or valid_to < valid_from or provenance is null or name_zh is null or name_en is null
    or coalesce(event_type, '') not in ('serious_dishonesty', 'judgment_defaulter')
