-- figure_definitions: figure, place
-- 指标或序号重复，单位或口径不在可选值内，缺少名称或定义，或数据集未声明
-- figure or place is twice there, no such unit or count, no name or definition, or a dataset is missing or not declared
-- A figure without its datasets would be zero where nothing was supplied.
select figure, place from figure_definitions
where
    figure is null or place is null
    or coalesce(unit, '') not in ('count', 'fen', 'ppm', 'times_ppm')
    or coalesce(counted, '') not in ('since_start', 'in_quarter', 'at_end')
    or name_zh is null or name_en is null or definition_zh is null or definition_en is null
    or (datasets is null and coalesce(source_table, '') not in ('products', 'pool_agreements'))
    or not list_has_all((select list(source || '.' || dataset) from declared_datasets), string_split(datasets, ';'))
union all
select figure, place from figure_definitions
qualify count(*) over (partition by figure) > 1 or count(*) over (partition by place) > 1
