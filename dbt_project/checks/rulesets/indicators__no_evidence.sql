-- ruleset_indicators: ruleset_id, indicator_code
-- 没有依据记录：其输入不在 int_evidence__tax 或 int_evidence__reported 中，也没有 int_counted__ 模型列出该指标
-- no record stands behind it: none of its inputs is in int_evidence__tax or int_evidence__reported, and no int_counted__ model names it
with models as (
    select parse_filename(filename, true) as name, content from read_text(getvariable('models') || '/intermediate/**/*.sql')
),

-- The codes that a model of counted records names, and the datasets of which one record of an enterprise and year is used.
counted as (
    select unnest(regexp_extract_all(content, '''([A-Za-z][0-9A-Za-z]*)''', 1)) as code from models
    where name like 'int_counted__%' or name = 'int_evidence__held'
),

evidenced as (
    select unnest(regexp_extract_all(content, '''(\w+)'' as source,\s+''\w+'' as dataset', 1)) as source,
        unnest(regexp_extract_all(content, '''\w+'' as source,\s+''(\w+)'' as dataset', 1)) as dataset
    from models where name in ('int_evidence__tax', 'int_evidence__reported')
)

from measured_by_night
anti join (from ruleset_inputs semi join evidenced using (source, dataset)) using (ruleset_id, indicator_code)
where upper(indicator_code) not in (select upper(counted.code) from counted)
