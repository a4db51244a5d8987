-- ruleset_indicators: ruleset_id, class, class_zh
-- 同一 class 有两个名称，或两个 class 名称相同：可能拼写不同
-- one class has two names, or two classes have one: is it spelled otherwise in another row?
select distinct ruleset_id, class, class_zh from ruleset_indicators
qualify
    min(class_zh) over (partition by ruleset_id, class) <> max(class_zh) over (partition by ruleset_id, class)
    or min(class) over (partition by ruleset_id, class_zh) <> max(class) over (partition by ruleset_id, class_zh)
