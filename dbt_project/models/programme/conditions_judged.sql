-- Each condition of each item in force tried on each enterprise, and each item's own on its cases: whether it holds (null: the
-- fact is not known), and by how much it does not, in the fact's own unit.
with conditions as (
    select * from {{ ref('conditions_asked') }}
),

items as (
    select distinct
        conditions.item_no,
        versions.kind,
        versions.item_id,
        versions.version,
        versions.is_in_force
    from conditions
    inner join {{ ref('item_versions') }} as versions
        on
            conditions.kind = versions.kind
            and conditions.item_id = versions.item_id
            and conditions.version = versions.version
),

facts as (
    select * from {{ ref('facts') }}
),

cases as (
    select
        cases.*,
        {{ case_subject('cases') }} as subject
    from {{ ref('programme_cases') }} as cases
),

subjects as (
    select
        items.item_no,
        enterprises.subject
    from items
    cross join {{ ref('enterprise_facts') }} as enterprises
    where items.is_in_force
    union all
    select
        items.item_no,
        cases.subject
    from cases
    inner join items
        on cases.kind = items.kind and cases.item_id = items.item_id and cases.version = items.version
),

tried as (
    select
        subjects.subject,
        conditions.item_no,
        conditions.condition_no,
        conditions.alternatives_no,
        conditions.has_alternatives,
        conditions.lo,
        conditions.near,
        facts.number,
        facts.text,
        facts.since,
        case
            when facts.number is null and facts.text is null then null
            when conditions.one_of is not null then instr(';' || conditions.one_of || ';', ';' || facts.text || ';') > 0
            when conditions.none_of is not null then instr(';' || conditions.none_of || ';', ';' || facts.text || ';') = 0
            else
                (
                    conditions.lo is null
                    or facts.number > conditions.lo
                    or (conditions.inclusive_lo and facts.number = conditions.lo)
                )
                and (
                    conditions.hi is null
                    or facts.number < conditions.hi
                    or (conditions.inclusive_hi and facts.number = conditions.hi)
                )
        end as holds,
        -- Above zero below the lower edge or beyond the upper one; zero on an edge that is not included.
        cast(
            case
                when facts.number <= conditions.lo then conditions.lo - facts.number
                when facts.number >= conditions.hi then facts.number - conditions.hi
            end as decimal(20, 6)
        ) as distance
    from subjects
    inner join conditions on subjects.item_no = conditions.item_no
    left join facts on subjects.subject = facts.subject and conditions.fact = facts.fact
),

gauged as (
    select
        subject,
        item_no,
        condition_no,
        alternatives_no,
        has_alternatives,
        number,
        text,
        holds,
        case when not holds then distance end as gap,
        not holds and distance <= near as is_near,
        -- Months pass by themselves: the day on which enough of them have.
        case
            when not holds and since is not null and number < lo
                then cast({{ dbt.dateadd('month', 'cast(ceil(lo) as integer)', 'since') }} as date)
        end as closes_on
    from tried
)

select * from gauged
