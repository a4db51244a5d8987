-- {file}: item_id, version, row_no, fact, text
-- 不是该事实的取值，其取值为：{known}
-- is no value of the fact, which is one of {known}
with written as (
    select
        'programme_conditions' as file, item_id, version, cast(condition_no as varchar) as row_no, fact,
        unnest(string_split(coalesce(one_of, none_of), ';')) as text
    from programme_conditions
    union all
    select
        'programme_cases', item_id, version, cast(case_no as varchar), trim(split_part(statement, '=', 1)),
        trim(split_part(statement, '=', 2))
    from stated_facts
),
known as (select fact, string_agg(text, ', ' order by text) as texts from known_texts group by fact)
select written.*, known.texts as known from written
inner join known on written.fact = known.fact
anti join known_texts on written.fact = known_texts.fact and written.text = known_texts.text
