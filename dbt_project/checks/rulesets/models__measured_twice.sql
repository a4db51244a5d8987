-- dbt_project/models/indicators/{model}: code
-- 指标 {code} 在多个模型中各有一列：{models}；只保留一列
-- {code} is a column of several models, {models}: leave one of them
select min(model) as model, code, string_agg(model, ', ' order by model) as models from measured_codes
group by code having count(*) > 1
