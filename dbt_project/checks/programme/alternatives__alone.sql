-- programme_conditions: kind, item_id, version, condition_no, any_of
-- any_of 中只有这一个条件：它成为必要条件，可能是拼写不同
-- is the only condition of its any_of, so it must hold: is the word spelled otherwise in another row?
from programme_conditions where any_of is not null
qualify count(*) over (partition by kind, item_id, version, any_of) = 1
