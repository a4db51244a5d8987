-- {path}: model
-- 该模型未列入 {place} 的 {list}，其内容不会参与评分或作为依据：请在该处加上
-- {list} in {place} does not name this model, so nothing of it is scored or evidence: name it there
from (from models_to_list anti join listed_models using (model)) inner join (select list, place from model_lists) using (list)
