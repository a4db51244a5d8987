-- Each question about a fact, evaluated for each enterprise and case: which fall short, and by how much in the fact's own unit.
-- Those that pass have no row.
with questions as (
    select distinct
        question_no,
        fact,
        lo,
        inclusive_lo,
        hi,
        inclusive_hi,
        ';' || one_of || ';' as one_of,
        ';' || none_of || ';' as none_of
    from {{ ref('conditions_asked') }}
),

facts as (
    select * from {{ ref('facts') }}
),

put as (
    select
        facts.subject_id,
        questions.question_no,
        facts.number,
        facts.text,
        facts.since,
        questions.lo,
        questions.inclusive_lo,
        questions.hi,
        case
            when facts.number is null and facts.text is null then null
            when questions.one_of is not null then instr(questions.one_of, ';' || facts.text || ';') > 0
            when questions.none_of is not null then instr(questions.none_of, ';' || facts.text || ';') = 0
            else
                (
                    questions.lo is null
                    or facts.number > questions.lo
                    or (questions.inclusive_lo and facts.number = questions.lo)
                )
                and (
                    questions.hi is null
                    or facts.number < questions.hi
                    or (questions.inclusive_hi and facts.number = questions.hi)
                )
        end as holds
    from questions
    inner join facts on questions.fact = facts.fact
),

failed as (
    select
        subject_id,
        question_no,
        number,
        text,
        holds is null as is_not_known,
        -- Above zero below the lower edge or beyond the upper one; zero on an edge that is not included.
        cast(
            case when number <= lo then lo - number when number >= hi then number - hi end as decimal(20, 6)
        ) as gap,
        -- Months pass by themselves: the day on which enough of them have.
        case
            when since is not null and number < lo and inclusive_lo
                then cast({{ dbt.dateadd('month', 'cast(ceil(lo) as integer)', 'since') }} as date)
            when since is not null and number <= lo
                then cast({{ dbt.dateadd('month', 'cast(floor(lo) as integer) + 1', 'since') }} as date)
        end as closes_on
    from put
    where holds is not true
)

select * from failed
