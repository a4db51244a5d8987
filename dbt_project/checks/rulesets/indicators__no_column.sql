-- ruleset_indicators: ruleset_id, indicator_code
-- 没有任何 ind_ 模型的列以 {code}_ 开头
-- no column of an ind_ model begins with {code}_
-- A measured column is named in its model as "... as c01_rd_expense_wan_cny".
with written as (
    select unnest(regexp_extract_all(content, '(?i)\bas\s+([a-z][a-z0-9]*)_\w', 1)) as code
    from read_text(getvariable('models') || '/indicators/*.sql')
)

select ruleset_id, indicator_code, lower(indicator_code) as code from measured_by_night
where lower(indicator_code) not in (select lower(written.code) from written)
