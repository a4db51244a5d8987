-- market_pauses: bank, of_product
-- 没有说明原因、由谁决定或来源
-- does not say why, by whom or where it comes from
from pause_rows
where
    coalesce(reason_zh, '') = '' or coalesce(reason_en, '') = '' or coalesce(decided_by, '') = '' or coalesce(provenance, '') = ''
