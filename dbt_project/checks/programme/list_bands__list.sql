-- public_lists: list_id, version
-- 榜单没有档次，或档次所属的榜单不存在
-- a list without bands, or bands without a list
select list_id, version
from public_lists
full join (select distinct list_id, version from public_list_bands) using (list_id, version)
where
    (list_id, version) not in (select (list_id, version) from public_lists)
    or (list_id, version) not in (select (list_id, version) from public_list_bands)
