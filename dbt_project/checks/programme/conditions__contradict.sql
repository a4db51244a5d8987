-- programme_conditions: kind, item_id, version, condition_no, other_no
-- 与另一条件不可能同时成立
-- cannot hold together with the other condition
select one.kind, one.item_id, one.version, one.condition_no, other.condition_no as other_no
from programme_conditions as one
inner join programme_conditions as other
    on
        one.kind = other.kind
        and one.item_id = other.item_id
        and one.version = other.version
        and one.fact = other.fact
        and one.condition_no <> other.condition_no
        and (one.any_of is null or other.any_of is null)
where
    one.lo > other.hi
    or (one.lo = other.hi and not (one.inclusive_lo and other.inclusive_hi))
    or (
        one.one_of is not null
        and not list_has_any(
            list_filter(
                string_split(one.one_of, ';'), lambda text: not list_contains(string_split(coalesce(other.none_of, ''), ';'), text)
            ),
            string_split(coalesce(other.one_of, one.one_of), ';')
        )
    )
