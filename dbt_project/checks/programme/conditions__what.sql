-- programme_conditions: kind, item_id, version, condition_no, fact
-- 数值条件须有上限或下限，文本条件须恰有 one_of 或 none_of 之一
-- a number needs an edge and no texts, a text needs one of one_of and none_of and no edge
select programme_conditions.*
from programme_conditions
inner join known_facts using (fact)
where
    case
        when known_facts.kind = 'text'
            then (one_of is null) = (none_of is null) or coalesce(lo, hi, near) is not null
        else one_of is not null or none_of is not null or coalesce(lo, hi) is null
    end
