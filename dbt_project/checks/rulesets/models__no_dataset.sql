-- {path}: source, dataset
-- 模型读取的数据集在 connectors/sources/ 中没有声明：先把该机构的源文件移到那里
-- the model reads a dataset that no file of connectors/sources/ declares: move the agency's file there first
-- What the pipeline says of the night is declared beside the models.
with written as (
    select
        'dbt_project/models' || substr(filename, length(getvariable('models')) + 1) as path,
        unnest(regexp_extract_all(content, '(?:landed|source)\(\s*''(\w+)'',\s*''\w+''', 1)) as source,
        unnest(regexp_extract_all(content, '(?:landed|source)\(\s*''\w+'',\s*''(\w+)''', 1)) as dataset
    from read_text(getvariable('models') || '/**/*.sql')
    where not getvariable('is_asked')
)

select distinct path, source, dataset from written anti join declared_datasets using (source, dataset)
where source <> 'pipeline'
