-- restriction_measures: measure_id, version, event_type
-- 同一措施在同一天有两行
-- duplicate row: two versions of the measure apply on one day
select one.measure_id, one.version, one.event_type
from restriction_measures as one
inner join restriction_measures as other
    on
        one.measure_id = other.measure_id
        and one.event_type = other.event_type
        and one.version <> other.version
        and one.valid_from <= coalesce(other.valid_to, date '9999-12-31')
        and other.valid_from <= coalesce(one.valid_to, date '9999-12-31')
union all
select measure_id, version, event_type from restriction_measures group by all having count(*) > 1
