-- Views that several checks use; see checks/rulesets.
create or replace temp view market_days as
select day, is_working, date_diff('day', date '2024-01-01', day) % 7 >= 5 as is_weekend from working_day_exceptions;

create or replace temp view parameter_rows as
select *, coalesce(bank, '-') as of_bank, coalesce(product_id, '-') as of_product from market_parameters;

create or replace temp view pause_rows as
select *, coalesce(product_id, '-') as of_product from market_pauses;
