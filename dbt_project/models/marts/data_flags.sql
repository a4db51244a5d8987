with register as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

active_events as (
    select * from {{ ref('credit_events') }}
),

figures as (
    select * from {{ ref('int_figures__compared') }}
),

lines as (
    select * from {{ ref('int_enterprises__lines') }}
),

successions as (
    select * from {{ ref('int_successions__followed') }}
),

-- A difference of calibers is normal, a reversed order is a fault in one of them.
reversed_calibers as (
    select
        uscc,
        'Q5' as rule,
        'critical' as severity,
        '研发费用三种口径次序颠倒：会计口径 ' || coalesce(cast(rd_expense_cny as varchar), '未知')
        || ' 元，高企口径 ' || coalesce(cast(hnte_rd_expense_cny as varchar), '未知')
        || ' 元，加计扣除口径 ' || coalesce(cast(deductible_rd_cny as varchar), '未知') || ' 元。' as detail_zh,
        'The three calibers of R&D expense are in reversed order: accounting '
        || coalesce(cast(rd_expense_cny as varchar), 'unknown')
        || ' CNY, high-tech recognition ' || coalesce(cast(hnte_rd_expense_cny as varchar), 'unknown')
        || ' CNY, super-deduction ' || coalesce(cast(deductible_rd_cny as varchar), 'unknown') || ' CNY.' as detail_en
    from figures
    where
        hnte_rd_expense_cny > rd_expense_cny
        or deductible_rd_cny > coalesce(hnte_rd_expense_cny, rd_expense_cny)
),

part_above_whole as (
    select
        uscc,
        'Q6' as rule,
        'critical' as severity,
        '高新技术产品收入 ' || cast(high_tech_product_revenue_cny as varchar)
        || ' 元大于营业收入 ' || cast(operating_revenue_cny as varchar) || ' 元。' as detail_zh,
        'High-tech product revenue of ' || cast(high_tech_product_revenue_cny as varchar)
        || ' CNY is above an operating revenue of ' || cast(operating_revenue_cny as varchar) || ' CNY.' as detail_en
    from figures
    where high_tech_product_revenue_cny > operating_revenue_cny
),

-- Since 2023 all of the R&D expense of this caliber is deducted once more.
relief_off as (
    select
        uscc,
        'Q7' as rule,
        'warning' as severity,
        '加计扣除额 ' || cast(additional_deduction_cny as varchar)
        || ' 元与允许加计扣除的研发费用 ' || cast(deductible_rd_cny as varchar) || ' 元相差超过 1%。' as detail_zh,
        'The additional deduction of ' || cast(additional_deduction_cny as varchar)
        || ' CNY is more than 1% from the deductible R&D expense of ' || cast(deductible_rd_cny as varchar)
        || ' CNY.' as detail_en
    from figures
    where abs(additional_deduction_cny - deductible_rd_cny) * 100 > abs(deductible_rd_cny)
),

sales_off as (
    select
        uscc,
        'Q8' as rule,
        'warning' as severity,
        '营业收入 ' || cast(operating_revenue_cny as varchar)
        || ' 元与全年增值税销售额 ' || cast(sales_cny as varchar) || ' 元相差超过 20%。' as detail_zh,
        'The operating revenue of ' || cast(operating_revenue_cny as varchar)
        || ' CNY and the VAT sales of the year of ' || cast(sales_cny as varchar)
        || ' CNY are more than 20% apart.' as detail_en
    from figures
    where abs(sales_cny - operating_revenue_cny) * 5 > abs(operating_revenue_cny)
),

staff_off as (
    select
        uscc,
        'Q9' as rule,
        'warning' as severity,
        '12 月参保 ' || cast(insured_count as varchar) || ' 人与填报职工 ' || cast(staff_total as varchar)
        || ' 人相差超过 20%。' as detail_zh,
        cast(insured_count as varchar) || ' people insured in December and a reported staff of '
        || cast(staff_total as varchar) || ' are more than 20% apart.' as detail_en
    from figures
    where abs(insured_count - staff_total) * 5 > abs(staff_total)
),

-- Either the code was issued so, or the register is wrong: the code's own check does not cover the organisation code inside, in
-- positions 9 to 17. Its last character is 11 less the weighted sum of the others modulo 11 (GB 11714), 10 as X and 11 as 0.
codes_off as (
    select
        uscc,
        'Q2' as rule,
        'warning' as severity,
        '统一社会信用代码 ' || uscc || ' 中的组织机构代码 ' || substr(uscc, 9, 9) || ' 校验位不符（GB 11714）。' as detail_zh,
        'The organisation code ' || substr(uscc, 9, 9) || ' inside ' || uscc || ' fails its check (GB 11714).' as detail_en
    from register
    where
        substr(uscc, 17, 1) <> substr(
            '0X987654321',
            (
                {% for weight in [3, 7, 9, 10, 5, 8, 4, 2] -%}
                    {%- set letter = 'substr(uscc, ' ~ (loop.index + 8) ~ ', 1)' -%}
                    {{ '+ ' if not loop.first -}}
                    {{ weight }} * ({{ dbt.position(letter, "'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'") }} - 1)
                {% endfor -%}
            ) % 11 + 1,
            1
        )
),

-- In a circle no enterprise counts for the others, and a circle of successions has no year to compare with.
on_a_circle as (
    select uscc from lines
    where is_endless
    union distinct
    select uscc from successions
    where is_endless
),

without_an_end as (
    select
        register.uscc,
        'Q3' as rule,
        'warning' as severity,
        '登记的隶属或承继关系成环，或超过八步仍无终点：' || register.uscc || ' 的记录只归其自身，增长基数不予计算。' as detail_zh,
        'The registered links of parent or successor from ' || register.uscc
        || ' run in a circle, or over more than eight steps: its records stay its own, and growth is not measured.' as detail_en
    from register
    inner join on_a_circle on register.uscc = on_a_circle.uscc
),

repairs_unread as (
    select
        register.uscc,
        'Q16' as rule,
        'warning' as severity,
        cast(count(*) as varchar) || ' 条信用事件的修复决定被退回，是否已修复未知：'
        || {{ joined_text('active_events.event_no', '、') }} || '。' as detail_zh,
        'Not known whether repaired, as the decisions were refused; credit events (' || cast(count(*) as varchar) || '): '
        || {{ joined_text('active_events.event_no', ', ') }} || '.' as detail_en
    from register
    inner join active_events on register.uscc = active_events.uscc
    where active_events.may_be_repaired
    group by register.uscc
),

entries_without_basis as (
    select
        register.uscc,
        'Q17' as rule,
        'warning' as severity,
        cast(count(*) as varchar) || ' 条名单信息缺少法律依据、文书号或认定机关，不据此限制，也不视为无失信：'
        || {{ joined_text('active_events.event_no', '、') }} || '。' as detail_zh,
        'Entries on lists without legal basis, document or issuing body (' || cast(count(*) as varchar)
        || '), from which nothing follows and which do not prove it clean: '
        || {{ joined_text('active_events.event_no', ', ') }} || '.' as detail_en
    from register
    inner join active_events on register.uscc = active_events.uscc
    where active_events.event_type <> 'administrative_penalty' and not active_events.has_basis
    group by register.uscc
),

-- The office's good grade and the office's own announcement of what is owed do not go together.
arrears_beside_a_good_grade as (
    select
        uscc,
        'Q23' as rule,
        'warning' as severity,
        '纳税信用 ' || tax_grade || ' 级，但有 ' || cast(arrears_count as varchar)
        || ' 笔公告欠税共 ' || cast(arrears_cny as varchar) || ' 元尚未缴清。' as detail_zh,
        'A tax credit grade of ' || tax_grade || ' stands beside ' || cast(arrears_count as varchar)
        || ' announced tax arrears of ' || cast(arrears_cny as varchar) || ' CNY that are not paid.' as detail_en
    from figures
    where tax_grade in ('A', 'B') and arrears_count > 0
),

flags as (
    select * from codes_off
    union all
    select * from without_an_end
    union all
    select * from repairs_unread
    union all
    select * from entries_without_basis
    union all
    select * from arrears_beside_a_good_grade
    union all
    select * from reversed_calibers
    union all
    select * from part_above_whole
    union all
    select * from relief_off
    union all
    select * from sales_off
    union all
    select * from staff_off
)

select * from flags
