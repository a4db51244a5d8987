-- Whom all records are about: `enterprise`, one row each, with what the other files need of it. $count is how many there are.

-- A number below `n` that depends on the enterprise (or record), a word and nothing else: no order, no clock, no state.
create macro draw(i, word, n) as cast(hash(i, word, 20250630) % n as bigint);
create macro one_of(i, word, options) as options[1 + draw(i, word, len(options))];
create macro letter(alphabet, place) as substring(alphabet, cast(place as integer) + 1, 1);

create table enterprise as
with numbered as (
    -- The step is coprime to 31^6 and to 10^8, so numbers follow no order and none comes twice.
    select i, (i * 387420489 + 1234567) % 887503681 as subject, (i * 48828129 + 7654321) % 100000000 as stem
    from range($count) as numbers(i)
),

coded as (
    select
        *,
        -- Division and the eight characters of the organisation code, before its check character.
        'MA' || list_aggregate(
            [letter('0123456789ABCDEFGHJKLMNPQRTUWXY', subject // p % 31) for p in [28629151, 923521, 29791, 961, 31, 1]],
            'string_agg', ''
        ) as subject_code
    from numbered
),

checked as (
    select
        *,
        '91441302' || subject_code || letter('0123456789X0', (11 - list_sum(
            [(instr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', subject_code[p]) - 1) * [3, 7, 9, 10, 5, 8, 4, 2][p]
             for p in [1, 2, 3, 4, 5, 6, 7, 8]]
        ) % 11)) as body
    from coded
),

named as (
    select
        i,
        body || letter('0123456789ABCDEFGHJKLMNPQRTUWXY', (31 - list_sum(
            [(instr('0123456789ABCDEFGHJKLMNPQRTUWXY', body[p]) - 1)
             * [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28][p] for p in range(1, 18)]
        ) % 31) % 31) as uscc,
        -- Four characters of a hundred; a tenth bear brackets, which some agencies write half width.
        '样本' || list_aggregate(
            [letter('天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈剑号巨阙珠称夜光果珍李柰菜重芥姜海咸河淡鳞潜羽翔龙师火帝鸟官人皇始制文字乃服衣裳推位让国有虞陶唐吊民伐罪', stem // p % 100) for p in [1000000, 10000, 100, 1]],
            'string_agg', ''
        ) as stem_text
    from checked
),

described as (
    select
        *,
        stem_text || one_of(i, 'trade', ['科技', '电子', '智能装备', '新材料', 'LED光电'])
        || case when draw(i, 'brackets', 10) = 0 then '（惠州）' else '' end || '有限公司' as name,
        date '2003-01-01' + cast(draw(i, 'founded', 8000) as integer) as founded_on,
        -- Yuan; half are small, a seventh large, none the same.
        cast(case when draw(i, 'size', 100) < 50 then 1 when draw(i, 'size', 100) < 85 then 12 else 150 end
             * (200000 + draw(i, 'revenue', 1900000000) / 100) as decimal(20, 2)) as revenue_cny
    from named
)

select
    *,
    -- A tenth were called otherwise until 2015.
    case when draw(i, 'renamed', 10) = 0 and founded_on < date '2014-01-01' then stem_text || '实业有限公司' end as former_name,
    greatest(founded_on, date '2016-01-01') as named_on,
    'U' || lpad(cast((i * 7 + 3) % 10000000 as varchar), 9, '0') as unit_no
from described;

-- Present name as an agency writes it: brackets half width, a blank in it, or letters full width, for some.
create macro written(i, word, name) as case draw(i, word, 12)
    when 0 then translate(name, '（）', '()')
    when 1 then name[:4] || ' ' || name[5:]
    when 2 then replace(name, 'LED', 'ＬＥＤ')
    else name
end;

-- A day no earlier than the present name.
create macro day_of(i, word, earliest, named_on, days) as greatest(named_on, earliest + cast(draw(i, word, days) as integer));

-- 1 to `most` numbers for `share` of a hundred enterprises, none for the others.
create macro several(i, word, share, most) as
    case when draw(i, word, 100) < share then range(1 + draw(i, word || '#', most)) else cast([] as bigint[]) end;

-- The talent bureau's units: one enterprise in thirty has two.
create view unit as
select i * 2 as n, enterprise.* exclude (unit_no), unit_no from enterprise
union all
select i * 2 + 1 as n, enterprise.* exclude (unit_no), 'V' || unit_no[2:] from enterprise where draw(i, 'second_unit', 30) = 0;
