-- items: kind, item_id, version, other_version
-- 与另一版本在同一天有效
-- in force on a day of another version
select one.kind, one.item_id, one.version, other.version as other_version
from items as one
inner join items as other
    on
        one.kind = other.kind
        and one.item_id = other.item_id
        and one.version < other.version
        and one.valid_from <= coalesce(other.valid_to, date '9999-12-31')
        and other.valid_from <= coalesce(one.valid_to, date '9999-12-31')
