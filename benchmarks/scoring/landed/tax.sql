-- Tax office: three years of statements with corrections, deductions of two, grades of two.

create view "tax.statements" as
with filed as (
    select *, years.y as fiscal_year, i * 10 + years.y - 2020 as n, corrections.c as correction
    from enterprise, (values (2022), (2023), (2024)) as years(y), (values (0), (1)) as corrections(c)
    where draw(i * 10 + years.y - 2020, 'filed', 100) < 95
        and (corrections.c = 0 or draw(i * 10 + years.y - 2020, 'corrected', 10) = 0)
        and year(founded_on) <= years.y
),

-- A year is 70 to 149 percent of the size; now and then nothing or less was earned.
sized as (
    select *, case when draw(n, 'no_revenue', 200) = 0 then 0
        else round(revenue_cny * (70 + draw(n, 'year', 80)) / 100 + correction * 1234.56, 2) end as revenue
    from filed
)

select
    uscc,
    name as taxpayer_name,
    fiscal_year,
    -- One correction in twenty comes after the business date and was not known on it.
    make_date(fiscal_year + 1, 3, 1) + cast(draw(n, 'day', 90) as integer)
    + case when correction = 0 then 0 when draw(n, 'late', 20) = 0 then 400 else 20 end as filed_on,
    case when draw(n, 'lacks_revenue', 80) > 0 then revenue end as operating_revenue_cny,
    case when draw(n, 'lacks_rd', 40) > 0 then
        case when draw(n, 'no_rd', 12) = 0 then 0 else round(revenue * draw(n, 'rd', 150) / 1000 + draw(n, 'fen', 9999) / 100, 2) end
    end as rd_expense_cny,
    round(revenue * 60 / 100, 2) as operating_cost_cny,
    case when draw(n, 'lacks_profit', 90) > 0 then round(revenue * (draw(n, 'profit', 300) - 80) / 1000 + 0.01, 2) end as net_profit_cny,
    case when draw(n, 'lacks_assets', 90) > 0 then round(revenue * (40 + draw(n, 'current', 60)) / 100, 2) end as current_assets_cny,
    round(revenue * draw(n, 'fixed', 80) / 100, 2) as noncurrent_assets_cny,
    round(revenue * draw(n, 'owed', 70) / 100, 2) as current_liabilities_cny,
    round(revenue * draw(n, 'owed_long', 40) / 100, 2) as noncurrent_liabilities_cny
from sized;

create view "tax.rd_deductions" as
with claimed as (
    select *, years.y as fiscal_year, i * 10 + years.y - 2020 as n, corrections.c as correction
    from enterprise, (values (2023), (2024)) as years(y), (values (0), (1)) as corrections(c)
    where draw(i, 'claims', 100) < 70
        and (corrections.c = 0 or draw(i * 10 + years.y - 2020, 'claimed_again', 15) = 0)
        and year(founded_on) <= years.y
)

select
    uscc,
    fiscal_year,
    make_date(fiscal_year + 1, 4, 1) + cast(draw(n, 'claim_day', 60) as integer) + correction * 15 as filed_on,
    round(revenue_cny * (draw(n, 'claim', 120) + correction) / 1000, 2) as additional_deduction_cny,
    one_of(i, 'rate', [15.00, 20.00, 25.00]) as income_tax_rate_pct
from claimed;

create view "tax.credit_grades" as
select
    uscc,
    years.y as evaluation_year,
    one_of(i * 10 + years.y - 2020 + reviews.r, 'tax_grade', ['A', 'A', 'B', 'B', 'B', 'M', 'C', 'D']) as grade,
    make_date(years.y + 1, 4, 20) + reviews.r * 30 as published_on
from enterprise, (values (2023), (2024)) as years(y), (values (0), (1)) as reviews(r)
where draw(i * 10 + years.y - 2020, 'graded', 100) < 90
    and (reviews.r = 0 or draw(i * 10 + years.y - 2020, 'reviewed', 20) = 0);
