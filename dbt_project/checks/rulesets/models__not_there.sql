-- {place}: list, model
-- 没有名为 {model} 的模型文件：请写上该模型，或从列表中删去
-- there is no model {model}: write it, or take it out of the list
from listed_models anti join models_to_list using (model, list)
where not getvariable('is_asked')
