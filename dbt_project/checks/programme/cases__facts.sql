-- programme_cases: kind, item_id, version, case_no, statement
-- 须写成 事实=值，事实须已知，数值须为普通数字
-- must be fact=value, of a known fact, and of a number in plain digits
select stated_facts.*
from stated_facts
left join known_facts on trim(split_part(statement, '=', 1)) = known_facts.fact
where
    known_facts.fact is null
    or len(string_split(statement, '=')) <> 2
    or (known_facts.kind <> 'text' and not regexp_full_match(trim(split_part(statement, '=', 2)), '-?[0-9]{1,14}([.][0-9]{1,6})?'))
