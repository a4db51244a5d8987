-- ruleset_indicators: ruleset_id, indicator_code
-- 没有依据记录：其输入不在 evidence.sql 所用的数据集中，也没有 int_counted__ 模型列出该指标
-- no record stands behind it: none of its inputs is among the datasets that evidence.sql reads, and no int_counted__ model names it
with models as (
    select parse_filename(filename, true) as name, content from read_text(getvariable('models') || '/**/*.sql')
),

-- The codes that a model of counted records names, and the datasets of which one record of an enterprise and year is used.
counted as (
    select unnest(regexp_extract_all(content, '''([A-Za-z][0-9A-Za-z]*)''', 1)) as code from models
    where name like 'int_counted__%'
),

evidenced as (
    select unnest(regexp_extract_all(content, '''(\w+)''(?: as source)?,\s+''\w+''(?: as dataset)?,', 1)) as source,
        unnest(regexp_extract_all(content, '''\w+''(?: as source)?,\s+''(\w+)''(?: as dataset)?,', 1)) as dataset
    from models where name = 'evidence'
)

from measured_by_night
anti join (from ruleset_inputs semi join evidenced using (source, dataset)) using (ruleset_id, indicator_code)
where upper(indicator_code) not in (select upper(counted.code) from counted)
