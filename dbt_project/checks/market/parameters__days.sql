-- market_parameters: parameter, of_bank, of_product
-- 有效期缺失或颠倒
-- valid_from is missing, or after valid_to
from parameter_rows where valid_from is null or valid_to < valid_from
