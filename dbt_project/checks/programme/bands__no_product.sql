-- {file}: product_id, version
-- 没有这个产品或版本
-- no such product or version
from bands anti join products using (product_id, version)
