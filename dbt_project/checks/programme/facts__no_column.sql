-- programme_facts: fact
-- enterprise_facts 模型中没有这一列
-- the model enterprise_facts has no such column
from programme_facts
where not regexp_matches(
    (select content from read_text(getvariable('models') || '/programme/enterprise_facts.sql')),
    '\bas ' || case when fact like 'title\_%' escape '\' then 'title_' else fact || '\b' end
)
