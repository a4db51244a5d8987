-- rulesets: ruleset_id, annual_data_due, young_firm_months
-- annual_data_due 须为 月-日（至 02-28），young_firm_months 须在 0 至 1200 之间
-- annual_data_due is a day of the year as MM-DD (not 02-29), young_firm_months between 0 and 1,200
from rulesets
where
    try_cast('2023-' || annual_data_due as date) is null or length(annual_data_due) <> 5
    or coalesce(young_firm_months, -1) not between 0 and 1200 or coalesce(minimum_points_available, -1) < 0
