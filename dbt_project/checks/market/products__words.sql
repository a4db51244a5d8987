-- market_products: product_id, version
-- 担保方式不在可选值内，或未说明是否由资金池分担、来源
-- a collateral is none of those that are known, or it is not said whether the pool stands behind it or where it comes from
select product_id, version from market_products
where
    collaterals is null
    or is_pool_backed is null
    or coalesce(provenance, '') = ''
    or not list_has_all(
        ['none', 'property', 'equipment', 'ip_pledge', 'receivables', 'guarantee'],
        list_transform(string_split(collaterals, ';'), lambda one: trim(one))
    )
