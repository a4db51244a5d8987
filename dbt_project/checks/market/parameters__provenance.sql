-- market_parameters: parameter, of_bank, of_product
-- 没有说明来源或单位
-- does not say where it comes from, or its unit
from parameter_rows where coalesce(provenance, '') = '' or coalesce(unit, '') = ''
