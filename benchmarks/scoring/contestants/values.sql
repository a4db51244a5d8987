-- The values by hand, first half: landed records to one wide table `measured`, a row for each eligible enterprise.
-- What begins with a dollar is filled in by values.py, which also makes from the scorecard the macros quantity_<code>(level) and none_of(dataset).

create macro without_blanks(text) as
    regexp_replace(text, '[\s\x{0B}\x{1C}-\x{1F}\x{85}\x{A0}\x{1680}\x{2000}-\x{200D}\x{2028}\x{2029}\x{202F}\x{205F}\x{2060}\x{3000}\x{FEFF}]', '', 'g');
-- `translate` is slow, so only for those that have something full width.
create macro name_key(text) as upper(case when regexp_matches(text, '[！-～]') then translate(without_blanks(text),
    '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～',
    '!"#$$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~'
) else without_blanks(text) end);
create macro fen(amount) as cast(cast(amount as decimal(18, 2)) * 100 as bigint);
create macro millionths(number) as cast(cast(number as decimal(18, 0)) * 0.000001 as decimal(18, 6));
-- A hundred times a / b, rounded half away from zero by way of twelve digits. Beyond 999,999 it stays there.
create macro ratio_pct(a, b) as case when a is not null and b <> 0 then
    cast(cast(greatest(-999999, least(999999, cast(a as double) * 100 / cast(b as double))) as decimal(18, 12)) as decimal(18, 6))
end;
create macro is_valid(starts, ends) as starts <= $as_of and (ends is null or ends >= $as_of);
create macro is_gone(ends) as ends is not null and ends <= $as_of;
create macro is_recent(day) as day > $two_years_before and day <= $as_of;
create macro is_of_year(day) as day between $year_start and $year_end;

create temp table register as
select uscc, name, founded_on, industry_code, status = 'active' and founded_on <= $as_of and zone_member_from <= $as_of
    and (zone_member_to is null or zone_member_to >= $as_of) as is_eligible
from read_parquet('$inputs/science/enterprises/*.parquet');

create temp table dated_name as
with borne as (
    select uscc, name_key(name) as name_key, valid_from, valid_to from read_parquet('$inputs/science/enterprise_names/*.parquet')
),

unlisted as (
    select register.uscc, name_key(register.name) as name_key, coalesce(max(others.valid_to), any_value(register.founded_on)) as valid_from,
        cast(null as date) as valid_to
    from register
    left join borne as same on register.uscc = same.uscc and name_key(register.name) = same.name_key
    left join borne as others on register.uscc = others.uscc
    where same.uscc is null
    group by register.uscc, register.name
)

select * from borne union all select * from unlisted;

create temp table filing as
select
    uscc,
    arg_max_null(fen(operating_revenue_cny), filed_on) filter (where fiscal_year = $year) as revenue,
    arg_max_null(fen(rd_expense_cny), filed_on) filter (where fiscal_year = $year) as rd,
    arg_max_null(fen(net_profit_cny), filed_on) filter (where fiscal_year = $year) as net_profit,
    arg_max_null(fen(current_assets_cny) + fen(noncurrent_assets_cny) - fen(current_liabilities_cny) - fen(noncurrent_liabilities_cny), filed_on)
        filter (where fiscal_year = $year) as net_assets,
    arg_max_null(fen(operating_revenue_cny), filed_on) filter (where fiscal_year = $year - 1) as prior_revenue,
    arg_max_null(fen(rd_expense_cny), filed_on) filter (where fiscal_year = $year - 1) as prior_rd,
    bool_or(fiscal_year = $year) as has_filing,
    bool_or(fiscal_year = $year - 1) as has_prior_filing
from read_parquet('$inputs/tax/statements/*.parquet')
where filed_on <= $as_of and fiscal_year in ($year, $year - 1)
group by uscc;

create temp table unit as
select identifier as unit_no, min(uscc) as uscc from read_parquet('$inputs/science/enterprise_identifiers/*.parquet')
group by identifier having min(uscc) = max(uscc);

create temp table headcount as
with newest as (
    select * from read_parquet('$inputs/talent/headcounts/*.parquet')
    where month between $prior_december and $year_end and month(month) = 12
    qualify row_number() over (partition by unit_no, month order by _learned_on desc, _batch desc, _position desc) = 1 and not _deleted
),

-- The latest day of each December.
december as (
    select unit_no, year(month) as y, arg_max_null(staff_total, month) as staff_total, arg_max_null(sci_tech_staff, month) as sci_tech_staff,
        arg_max_null(master_or_above, month) as master_or_above, arg_max_null(new_graduates, month) as new_graduates
    from newest
    group by unit_no, y
),

-- Where one of several units leaves a count out, the enterprise's count is not known.
summed as (
    select uscc, y, case when count(*) = count(staff_total) then cast(sum(staff_total) as bigint) end as staff_total,
        case when count(*) = count(sci_tech_staff) then cast(sum(sci_tech_staff) as bigint) end as sci_tech_staff,
        case when count(*) = count(master_or_above) then cast(sum(master_or_above) as bigint) end as master_or_above,
        case when count(*) = count(new_graduates) then cast(sum(new_graduates) as bigint) end as new_graduates
    from december
    inner join unit using (unit_no)
    group by uscc, y
)

select
    uscc,
    any_value(staff_total) filter (where y = $year) as staff_total,
    any_value(sci_tech_staff) filter (where y = $year) as sci_tech_staff,
    any_value(master_or_above) filter (where y = $year) as master_or_above,
    any_value(new_graduates) filter (where y = $year) as new_graduates,
    any_value(sci_tech_staff) filter (where y = $year - 1) as prior_sci_tech_staff,
    bool_or(y = $year) as has_headcount,
    bool_or(y = $year - 1) as has_prior_headcount
from summed
group by uscc;

create temp table scope as
select uscc, list(upper(trim(ipc_subclass))) as subclasses from read_parquet('$inputs/science/business_scopes/*.parquet') group by uscc;

create temp table patent as
with application as (
    select record_no, application_no, applicants, ipc, filed_on, high_value_basis, transferred_to, transfer_recorded_on,
        filed_on between $year_start and $year_end as is_new,
        granted_on <= $as_of and not is_gone(lapsed_on) as is_valid
    from read_parquet('$inputs/patent/applications/*.parquet')
    where patent_type = '发明' and (is_new or is_valid)
),

mention as (
    select application_no, ipc, high_value_basis, is_new, is_valid and not coalesce(transfer_recorded_on <= $as_of, false) as is_held,
        filed_on as day, name_key(unnest(string_split(replace(applicants, '；', ';'), ';'))) as name_key
    from application
    union all
    select application_no, ipc, high_value_basis, false, true, transfer_recorded_on, name_key(transferred_to)
    from application
    where is_valid and transfer_recorded_on <= $as_of
),

-- An office that publishes an application twice has not made two of it.
owned as (
    select uscc, application_no, upper(substring(trim(max(ipc)), 1, 4)) as ipc_subclass, bool_or(is_new) as is_new, bool_or(is_held) as is_held,
        bool_or(is_held and high_value_basis is not null) as is_high_value
    from mention
    inner join dated_name using (name_key)
    where day between valid_from and coalesce(valid_to, day)
    group by uscc, application_no
)

select coalesce(owned.uscc, scope.uscc) as uscc, bool_or(scope.uscc is not null) as has_scope,
    nullif(count(*) filter (where is_new and list_contains(subclasses, ipc_subclass)), 0) as related,
    nullif(count(*) filter (where is_held), 0) as held, nullif(count(*) filter (where is_high_value), 0) as high_value
from owned
full join scope on owned.uscc = scope.uscc
group by 1;

create temp table named as
with mention as (
    select 'pct' as kind, international_no as ref, upper(substring(trim(ipc), 1, 4)) as what, international_filed_on as day,
        unnest(string_split(replace(applicants, '；', ';'), ';')) as name
    from read_parquet('$inputs/patent/pct_applications/*.parquet') where is_of_year(international_filed_on)
    union all
    select 'software', registration_no, null, registered_on, owner_name
    from read_parquet('$inputs/patent/software_and_layouts/*.parquet') where registered_on <= $as_of
    union all
    select 'award', award_no, null, announced_on, winner_name from read_parquet('$inputs/science/awards/*.parquet')
    where award_year between $year - 1 and $year and announced_on <= $as_of and level in ('national', 'provincial')
    union all
    select 'standard', standard_no, level, published_on, drafter_name from read_parquet('$inputs/science/standards/*.parquet')
    where published_on <= $as_of and not is_gone(withdrawn_on)
    union all
    select case when kind = 'contest' and level in ('national', 'provincial') then 'contest' else 'local' end, result_no,
        case kind when 'challenge' then 'challenge' else level || '_' || place end, held_on, contestant_name
    from read_parquet('$inputs/science/contest_results/*.parquet')
    where is_recent(held_on) and (level in ('city', 'zone') or kind = 'contest')
    union all
    select 'talent', talent_no, level, recognised_on, employer_name
    from (
        select * from read_parquet('$inputs/talent/talents/*.parquet')
        where month = (select max(month) from read_parquet('$inputs/talent/talents/*.parquet') where month <= $as_of)
        qualify row_number() over (partition by talent_no, month order by _learned_on desc, _batch desc, _position desc) = 1 and not _deleted
    )
    where is_valid(recognised_on, valid_to) and not is_gone(left_on)
),

owned as (
    select distinct dated_name.uscc, mention.kind, mention.ref, mention.what
    from (select * exclude (name), name_key(name) as name_key from mention) as mention
    inner join dated_name using (name_key)
    where day between valid_from and coalesce(valid_to, day)
)

select
    owned.uscc,
    nullif(count(*) filter (where kind = 'pct' and list_contains(subclasses, what)), 0) as pct,
    nullif(count(*) filter (where kind = 'software'), 0) as software,
    nullif(count(*) filter (where kind = 'award'), 0) as awards,
    sum(quantity_l14(what)) filter (where kind = 'standard') as standards,
    max(quantity_l17(what)) filter (where kind = 'contest') as contest,
    sum(quantity_l18(what)) filter (where kind = 'local') as local_contests,
    sum(quantity_l01(what)) filter (where kind = 'talent' and what in ('national', 'provincial')) as leading_talents,
    sum(quantity_l02(what)) filter (where kind = 'talent' and what in ('city', 'zone')) as high_level_talents
from owned
left join scope using (uscc)
group by owned.uscc;

create temp table person as
with newest as (
    select * from read_parquet('$inputs/talent/persons/*.parquet')
    where month = (select max(month) from read_parquet('$inputs/talent/persons/*.parquet') where month <= $as_of)
    qualify row_number() over (partition by person_hash, unit_no, month order by _learned_on desc, _batch desc, _position desc) = 1 and not _deleted
)

select uscc, nullif(count(distinct person_hash) filter (where degree = 'doctor' or is_postdoc), 0) as doctors,
    nullif(count(distinct person_hash) filter (where title_level = 'senior' or skill_level = 'senior_technician'), 0) as seniors
from newest
inner join unit using (unit_no)
where joined_on <= $as_of and not is_gone(left_on)
group by uscc;
