-- market_consents: used_for
-- 用途重复、缺失或不在可选值内，或没有说明授权目的、数据类别
-- a use is twice there, missing or not known, or no purpose or class of data is said
select used_for from (values ('bank_prospects'), ('need_feedback')) as uses (used_for)
full join market_consents using (used_for)
group by used_for
having
    count(*) <> 1 or used_for not in ('bank_prospects', 'need_feedback')
    or bool_or(coalesce(purpose, '') = '' or coalesce(data_class, '') = '')
