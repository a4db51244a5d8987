-- {file}: item_id, version, row_no, fact
-- 不是数值
-- is a text, and no number
from named_facts
where file <> 'programme_conditions' and fact in (select known_facts.fact from known_facts where kind = 'text')
