"""The change budget: what a night may bring lands by itself, what it never brings is held for a person."""

from datetime import date, timedelta
from random import Random

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from connectors.change_limits import LIMITS_FILE, ChangeLimits, beyond, changed_in_words, shipped
from connectors.changes import Changes, shape_of
from connectors.landing import landed_path
from connectors.spec import Change
from ledger.batches import landed_batches, latest_promoted
from ledger.held import decide_held, held_batches, held_since
from ledger.yaml_file import read_yaml
from tests.declared import column
from tests.unit.conftest import DAY

NEXT = DAY + timedelta(days=1)
GRADES = ("A", "B", "C", "D")


@pytest.fixture
def register(make_dataset):
    """A register of firms by number: a day, a grade, two amounts, and a count."""

    def declared(**changes):
        columns = (
            column("no", required=True),
            column("owner", required=True),
            column("registered_on", "date", required=True),
            column("ended_on", "date"),
            column("grade", values=GRADES),
            column("sales_cny", "decimal(20, 2)"),
            column("costs_cny", "decimal(20, 2)"),
        )
        volume = {"floor": 0, "ceiling": 10_000}
        return make_dataset(**{"key": ("no",), "columns": columns, "volume": volume, **changes})

    return declared


def firm(number, **changes):
    return {
        "no": f"F{number:05}",
        "owner": f"owner {number}",
        "registered_on": str(date(2019, 1, 1) + timedelta(days=number)),
        "ended_on": None,
        "grade": GRADES[number % 4],
        "sales_cny": f"{1_000_000 + 7_919 * number}.50",
        "costs_cny": f"{400_000 + 3_571 * number}.25",
        **changes,
    }


FIRMS = [firm(number) for number in range(1000)]


def changed(some, **by_column):
    """The firms, with what a function of each makes of these columns for those in `some`."""
    return [
        {**one, **{name: make(one) for name, make in by_column.items()}} if place in some else one
        for place, one in enumerate(FIRMS)
    ]


def second(deliver, dataset, firms, day=NEXT):
    """The values of a second night's batch."""
    deliver(dataset, *FIRMS)
    return deliver(dataset, *firms, day=day)[1]


def tenfold(one):
    return f"{float(one['sales_cny']) * 10:.2f}"


ALL = range(1000)
FAULTS = {
    "a factor of ten": (changed(ALL, sales_cny=tenfold), "scaled:sales_cny"),
    "a factor of ten in three of a thousand": (changed(range(3), sales_cny=tenfold), "scaled:sales_cny"),
    "a sign": (changed(ALL, sales_cny=lambda one: f"-{one['sales_cny']}"), "negated:sales_cny"),
    "two columns exchanged": (
        changed(ALL, sales_cny=lambda one: one["costs_cny"], costs_cny=lambda one: one["sales_cny"]),
        "exchanged:sales_cny+costs_cny",
    ),
    "rows shifted by one": (
        changed(ALL, sales_cny=lambda one: firm(int(one["no"][1:]) + 1)["sales_cny"]),
        "changed:sales_cny",
    ),
    "grades inverted": (changed(ALL, grade=lambda one: GRADES[3 - GRADES.index(one["grade"])]), "changed:grade"),
    "a column emptied in part": (changed(range(60), costs_cny=lambda _: None), "emptied:costs_cny"),
    "owners moved": (changed(range(60), owner=lambda one: one["owner"] + "x"), "changed:owner"),
    "one record in fifty gone": ([one for place, one in enumerate(FIRMS) if place % 50], "vanished"),
    "the same records again under other keys": (
        [*FIRMS, *({**one, "no": f"G{one['no']}"} for one in FIRMS[:40])],
        "copied",
    ),
    "the same records under keys without their zeros": (
        [*FIRMS, *({**one, "no": one["no"].lower(), "sales_cny": tenfold(one)} for one in FIRMS[:3])],
        "respelled",
    ),
    "new records of long ago": ([*FIRMS, *(firm(number) for number in range(1000, 1040))], "backdated"),
    "far more records": (
        [*FIRMS, *(firm(number, registered_on="2025-06-20") for number in range(1000, 1400))],
        "added",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_no_night_brings_is_held(deliver, register, fault):
    firms, figure = FAULTS[fault]
    values = second(deliver, register(), firms)
    assert values["state"] == "held"
    assert figure in {text.split()[0] for text in values["changes"]["beyond"]}
    assert values["changes"]["examples"]


@pytest.mark.parametrize(("twins", "state"), [(0, "held"), (2, "held"), (3, "landed")])
def test_keys_that_differ_by_letter_case_from_the_first_batch_on_are_two(deliver, register, twins, state):
    dataset, others = register(), [firm(2000 + number, no=f"f{number:05}") for number in range(8)]
    deliver(dataset, *FIRMS, *others[:twins])
    _, values = deliver(dataset, *FIRMS, *others, day=NEXT)
    assert values["state"] == state


def test_a_small_month_with_a_larger_share_hides_no_other_month(deliver, make_dataset):
    columns = (column("no", required=True), column("month", "date", required=True), column("staff", "integer"))
    monthly = make_dataset(key=("no", "month"), columns=columns, volume={"floor": 0, "ceiling": 20_000})
    months = {str(date(2021 + place // 12, place % 12 + 1, 1)): 300 for place in range(40)} | {"2020-12-01": 25}
    struck = {"2024-04-01": 30, "2020-12-01": 5}
    told = [{"no": f"F{n:03}", "month": month, "staff": n} for month, size in months.items() for n in range(size)]
    deliver(monthly, *told)
    changed = [
        {**one, "staff": one["staff"] * 2 + 1} if one["staff"] < struck.get(one["month"], 0) else one for one in told
    ]
    _, values = deliver(monthly, *changed, day=NEXT)
    assert values["state"] == "held"
    assert any("30 of 300 (2024-04-01)" in one for one in values["changes"]["beyond"])


def test_a_tenth_of_one_month_is_held_though_it_is_few_of_all_months(deliver, make_dataset):
    columns = (column("no", required=True), column("month", "date", required=True), column("staff", "integer"))
    monthly = make_dataset(key=("no", "month"), columns=columns, volume={"floor": 0, "ceiling": 10_000})
    months = [date(2021 + place // 12, place % 12 + 1, 1) for place in range(40)]
    told = [{"no": f"F{n:03}", "month": str(month), "staff": n} for n in range(100) for month in months]
    deliver(monthly, *told)
    struck = [
        {**one, "staff": one["staff"] * 2 + 1} if one["month"] == "2024-04-01" and one["staff"] < 10 else one
        for one in told
    ]
    _, values = deliver(monthly, *struck, day=NEXT)
    assert values["changes"]["beyond"] == ["changed:staff 10 of 100 (2024-04-01), at most 5 allowed"]


def test_a_number_of_nothing_is_compared_like_any_other(deliver, register):
    dataset = register()
    before = [{**one, "sales_cny": "0.00"} if place < 9 else one for place, one in enumerate(FIRMS)]
    deliver(dataset, *before)
    after = [{**one, "costs_cny": "0.00"} if 990 < place < 994 else one for place, one in enumerate(before)]
    after[0] = {**after[0], "sales_cny": "5.00"}
    _, values = deliver(dataset, *after, day=NEXT)
    assert values["changes"]["counts"] == {"changed:sales_cny": 1, "changed:costs_cny": 3}


USUAL = {
    "a few corrections": changed(range(4), sales_cny=lambda one: f"{float(one['sales_cny']) * 1.1:.2f}"),
    "a few that ended": changed(range(5), ended_on=lambda _: "2025-06-29"),
    "a few that left": FIRMS[4:],
    "new ones": [*FIRMS, *(firm(number, registered_on="2025-06-20") for number in range(1000, 1050))],
    "nothing": FIRMS,
}


@pytest.mark.parametrize("night", USUAL)
def test_what_a_night_may_bring_lands(deliver, register, night):
    assert second(deliver, register(), USUAL[night])["state"] in ("landed", "unchanged")


def test_what_is_held_is_no_promoted_batch_and_its_file_stays_for_whoever_decides(deliver, register, ledger, settings):
    dataset = register()
    values = second(deliver, dataset, FAULTS["a sign"][0])
    assert latest_promoted(ledger, "tax", "statements", NEXT)["as_of"] == DAY.isoformat()
    (held,) = held_batches(ledger)
    assert (held["batch"], held["content_sha256"]) == ("2025-07-01-001", values["content_sha256"])
    assert pq.read_metadata(landed_path(settings.data_dir, "tax", "statements", held["batch"])).num_rows == 1000


def test_the_same_again_stays_held_since_the_first_day_and_has_no_second_file(deliver, register, ledger, settings):
    dataset, wrong = register(), FAULTS["a sign"][0]
    second(deliver, dataset, wrong)
    third = NEXT + timedelta(days=1)
    key, values = deliver(dataset, *wrong, day=third)
    assert (values["state"], values["same_as"]) == ("held", "2025-07-01-001")
    assert not landed_path(settings.data_dir, key.source, key.dataset, key.batch).exists()
    assert held_since(ledger, key.source, key.dataset, third)["as_of"] == NEXT.isoformat()


def test_an_agency_that_goes_back_to_normal_lands_normally(deliver, register, ledger):
    dataset = register()
    second(deliver, dataset, FAULTS["a sign"][0])
    assert deliver(dataset, *USUAL["a few that left"], day=NEXT)[1]["state"] == "landed"
    assert held_batches(ledger) == []


def test_what_a_person_accepted_lands_at_the_next_pull_and_so_does_what_differs_a_little(deliver, register, ledger):
    dataset, moved = register(), FAULTS["owners moved"][0]
    second(deliver, dataset, moved)
    decide_held(ledger, held_batches(ledger)[0], "accepted", "the bureau confirmed it", "Zhao", NEXT)
    later = [*moved[:500], {**moved[500], "grade": "D"}, *moved[501:]]
    _, values = deliver(dataset, *later, day=NEXT)
    assert (values["state"], values["changes"]["accepted_by"]) == ("landed", "Zhao")
    assert deliver(dataset, *later, day=NEXT)[1]["state"] == "unchanged"


def test_what_was_held_for_several_nights_before_it_was_accepted_lands_too_with_what_came_since(
    deliver, register, ledger, settings
):
    dataset, moved = register(), FAULTS["owners moved"][0]
    first = second(deliver, dataset, moved)
    nights = [NEXT + timedelta(days=number) for number in range(1, 4)]
    assert deliver(dataset, *moved, day=nights[0])[1]["same_as"] == "2025-07-01-001"
    decide_held(ledger, held_batches(ledger)[0], "accepted", "the bureau confirmed it", "Zhao", nights[0])
    later = [*moved[:500], {**moved[500], "grade": "D"}, *moved[501:]]
    file = landed_path(settings.data_dir, "tax", "statements", "2025-07-01-001")
    accepted = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(accepted[:-1] + b"x")
    assert deliver(dataset, *later, day=nights[1])[1]["state"] == "held"
    file.write_bytes(accepted)
    _, values = deliver(dataset, *later, day=nights[2])
    assert (values["state"], values["changes"]["accepted_by"]) == ("landed", "Zhao")
    assert values["content_sha256"] != first["content_sha256"]


def test_a_word_for_one_batch_lets_no_other_in(deliver, register, ledger):
    dataset = register()
    second(deliver, dataset, FAULTS["owners moved"][0])
    decide_held(ledger, held_batches(ledger)[0], "accepted", "the bureau confirmed it", "Zhao", NEXT)
    assert deliver(dataset, *FAULTS["a sign"][0], day=NEXT)[1]["state"] == "held"


def test_a_rejected_batch_stays_out(deliver, register, ledger):
    dataset, moved = register(), FAULTS["owners moved"][0]
    second(deliver, dataset, moved)
    decide_held(ledger, held_batches(ledger)[0], "rejected", "a slip at the bureau", "Zhao", NEXT)
    assert deliver(dataset, *moved, day=NEXT)[1]["state"] == "held"
    assert held_batches(ledger)[0]["decision"]["action"] == "rejected"


def test_a_change_feed_is_compared_by_what_it_changes_of_what_is_held(deliver, register, ledger):
    dataset = register(load="upsert")
    deliver(dataset, *FIRMS)
    few = [{**one, "grade": "A"} for one in FIRMS[1:4]]
    assert deliver(dataset, *few, day=NEXT)[1]["changes"]["counts"] == {"changed:grade": 3}
    many = [{**one, "grade": "D"} for one in FIRMS[100:200]]
    assert deliver(dataset, *many, day=NEXT)[1]["state"] == "held"
    assert len(landed_batches(ledger, "tax", "statements", NEXT)) == 2


def test_a_source_file_says_what_may_change_and_what_may_not(deliver, register):
    change = {
        "columns": {"grade": {"pct": 100}},
        "moves": {"prolonged": {"columns": ["ended_on"], "becomes": "later"}},
    }
    dataset = register(change=change)
    firms = [{**one, "ended_on": "2025-12-31"} for one in FIRMS]
    deliver(dataset, *firms)
    assert deliver(dataset, *({**one, "grade": "A"} for one in firms), day=NEXT)[1]["state"] == "landed"
    prolonged = [{**firms[0], "grade": "A", "ended_on": None}, *({**one, "grade": "A"} for one in firms[1:])]
    _, values = deliver(dataset, *prolonged, day=NEXT)
    assert values["changes"]["beyond"] == ["move:prolonged 1 of 1,000, at most 0 allowed"]


def test_a_column_that_is_not_there_is_no_budget(register):
    with pytest.raises(ValueError, match="no such column: nowhere"):
        register(change={"columns": {"nowhere": {"few": 1}}})


@pytest.fixture
def filings(make_dataset):
    """Yearly filings; a correction is a second filing of the same year."""
    columns = (
        column("uscc", required=True),
        column("year", "integer", required=True),
        column("filed_on", "date", required=True),
        column("sales_cny", "decimal(20, 2)"),
        column("costs_cny", "decimal(20, 2)"),
        column("grade", values=GRADES),
    )
    watched = {"freshness": {"column": "filed_on", "days": 400}, "volume": {"floor": 0, "ceiling": 10_000}}
    return make_dataset(key=("uscc", "year", "filed_on"), columns=columns, **watched)


def filed(year, filed_on, numbers=range(200), make=lambda sales, costs: (sales, costs), grade=lambda grade: grade):
    found = []
    for number in numbers:
        growth = 1 + (year - 2023) * ((number % 7) - 2) / 20
        sales, costs = make((1_000_000 + 7_919 * number) * growth, (400_000 + 3_571 * number) * growth)
        row = {"uscc": f"U{number:05}", "year": year, "filed_on": filed_on}
        row |= {"sales_cny": f"{sales:.2f}", "costs_cny": f"{costs:.2f}", "grade": grade(GRADES[number % 3])}
        found.append(row)
    return found


BEFORE = filed(2023, "2024-05-20")


def test_a_correction_is_a_change_of_what_it_corrects(filings):
    shape = shape_of(filings)
    assert (shape.version, shape.periods, shape.entity) == ("filed_on", ("year",), ("uscc",))


def test_the_filings_of_a_new_year_land(deliver, filings):
    deliver(filings, *BEFORE)
    _, values = deliver(filings, *BEFORE, *filed(2024, "2025-05-20"), day=NEXT)
    assert (values["state"], values["changes"]["counts"]) == ("landed", {"added_periods": 200})


@pytest.mark.parametrize(
    ("fault", "figure"),
    [
        ({"make": lambda sales, costs: (sales * 10_000, costs)}, "kin.median:sales_cny"),
        ({"make": lambda sales, costs: (costs, sales)}, "kin.order:sales_cny+costs_cny"),
        ({"make": lambda sales, costs: (-sales, costs)}, "kin.sign:sales_cny"),
        ({"grade": lambda grade: GRADES[3 - GRADES.index(grade)]}, "kin.category:grade"),
    ],
)
def test_a_new_year_that_is_wrong_as_a_whole_is_held(deliver, filings, fault, figure):
    deliver(filings, *BEFORE)
    _, values = deliver(filings, *BEFORE, *filed(2024, "2025-05-20", **fault), day=NEXT)
    assert values["state"] == "held"
    assert figure in {text.split()[0] for text in values["changes"]["beyond"]}


def of_another(numbers):
    """The filings of a year, the figures of each beside the code of the next one."""
    rows = filed(2024, "2025-05-20", numbers)
    figures = [{name: row[name] for name in ("sales_cny", "costs_cny", "grade")} for row in rows]
    return [{**row, **its} for row, its in zip(rows, [*figures[67:], *figures[:67]], strict=True)]


def in_no_order(numbers):
    rows = filed(2024, "2025-05-20", numbers)
    sales = Random(1).sample([row["sales_cny"] for row in rows], len(rows))
    return [{**row, "sales_cny": its} for row, its in zip(rows, sales, strict=True)]


def the_same_for_all(numbers):
    return [{**row, "costs_cny": "800000.00"} for row in filed(2024, "2025-05-20", numbers)]


def a_tenth_in_another_unit(numbers):
    tenth = filed(2024, "2025-05-20", numbers[:20], lambda sales, costs: (sales * 7.2, costs))
    return [*tenth, *filed(2024, "2025-05-20", numbers[20:])]


@pytest.mark.parametrize(
    ("make", "figures"),
    [
        (of_another, {"kin.moved:grade"}),
        (in_no_order, {"kin.rank:sales_cny"}),
        (the_same_for_all, {"kin.rank:costs_cny"}),
        (a_tenth_in_another_unit, {"kin.jump:sales_cny"}),
    ],
)
def test_figures_that_stand_beside_other_enterprises_are_held_though_as_a_whole_they_look_as_ever(
    deliver, filings, make, figures
):
    watched = filings.model_copy(update={"change": Change(drift={"kin.jump:sales_cny": 0.06})})
    deliver(watched, *BEFORE)
    _, values = deliver(watched, *BEFORE, *make(range(200)), day=NEXT)
    assert values["state"] == "held"
    assert {text.split()[0] for text in values["changes"]["beyond"]} >= figures


def test_a_figure_that_few_enterprises_have_is_not_judged_by_its_order(deliver, filings):
    deliver(filings, *BEFORE)
    new = filed(2024, "2025-05-20", range(19))
    turned = [{**row, "sales_cny": its["sales_cny"]} for row, its in zip(new, reversed(new), strict=True)]
    assert deliver(filings, *BEFORE, *turned, day=NEXT)[1]["state"] == "landed"


@pytest.mark.parametrize(("count", "state"), [(40, "landed"), (60, "held")])
def test_new_records_of_a_period_that_had_come_are_few(deliver, filings, count, state):
    both = [*BEFORE, *filed(2024, "2025-05-20")]
    deliver(filings, *both)
    late = filed(2023, "2025-06-01", range(500, 500 + count))
    _, values = deliver(filings, *both, *late, day=NEXT)
    assert (values["state"], values["changes"]["counts"]) == (state, {"added_late": count, "added_periods": count})


@pytest.mark.parametrize(("count", "state"), [(2, "landed"), (5, "held")])
def test_the_same_record_of_a_period_under_another_number_is_a_copy(deliver, make_dataset, count, state):
    columns = (
        column("no", required=True),
        column("month", "date", required=True),
        column("owner", names="enterprise"),
        column("drawn_cny", "decimal(20, 2)"),
        column("balance_cny", "decimal(20, 2)"),
    )
    watched = {"freshness": {"column": "month", "days": 400}, "volume": {"floor": 0, "ceiling": 10_000}}
    loans = make_dataset(key=("no", "month"), columns=columns, **watched)
    rows = [
        {
            "no": f"L{n}",
            "month": f"2025-0{month}-28",
            "owner": "惠州某公司",
            "drawn_cny": f"{n}",
            "balance_cny": "1",
        }
        for n in range(100)
        for month in (4, 5)
    ]
    deliver(loans, *rows)
    again = [{**row, "no": f"X{row['no']}"} for row in rows if row["month"] == "2025-05-28"]
    _, values = deliver(loans, *rows, *again[:count], day=NEXT)
    assert (values["state"], values["changes"]["counts"]["copied"]) == (state, count)


def test_the_first_filings_of_the_next_year_make_no_filing_of_this_one_late(deliver, filings):
    early = [*BEFORE, *filed(2024, "2025-05-20", range(20)), *filed(2025, "2025-05-20", range(3))]
    deliver(filings, *early)
    _, values = deliver(filings, *early, *filed(2024, "2025-06-20", range(20, 200)), day=NEXT)
    assert (values["state"], values["changes"]["counts"]) == ("landed", {"added_periods": 180})


def test_a_source_file_allows_one_figure_of_new_records_more(deliver, filings):
    figure = "kin.order:sales_cny+costs_cny"
    swapped = filed(2024, "2025-05-20", make=lambda sales, costs: (costs, sales))
    allowed = filings.model_copy(update={"change": Change(drift={figure: 1})})
    deliver(allowed, *BEFORE)
    _, values = deliver(allowed, *BEFORE, *swapped, day=NEXT)
    assert figure not in {text.split()[0] for text in values["changes"].get("beyond", ())}


def test_a_night_in_which_everybody_corrects_the_last_year_is_held(deliver, filings):
    deliver(filings, *BEFORE)
    again = filed(2023, "2025-06-30", make=lambda sales, costs: (sales * 1.2, costs))
    _, values = deliver(filings, *BEFORE, *again, day=NEXT)
    assert values["changes"]["counts"]["changed:sales_cny"] == 200
    assert values["state"] == "held"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (FIRMS, changed([3], costs_cny=lambda _: "7.00"), "held records revised or gone 1 (first: F00003)"),
        (FIRMS, FIRMS[1:], "held records revised or gone 1 (first: F00000)"),
        (
            FIRMS,
            [*FIRMS, {**FIRMS[5], "no": "G5"}],
            "new records that copy a held one 1; new records of a day long past 1",
        ),
        (
            FIRMS,
            [*FIRMS, firm(1000, registered_on="2025-06-20", no="f00005")],
            "new records whose key is a held one but for case or zeros 1",
        ),
        (FIRMS, [*FIRMS, firm(1000, registered_on="2025-06-20")], None),
        (changed([3], costs_cny=lambda _: None), FIRMS, None),
    ],
    ids=["revised", "gone", "copied", "respelled", "a new fact", "filled in"],
)
def test_a_fact_that_stood_is_warned_of_where_another_takes_its_place(deliver, register, before, after, told):
    dataset = register()
    deliver(dataset, *before)
    _, values = deliver(dataset, *after, day=NEXT)
    assert (values["state"], values["changes"]["warned"]) == ("landed", told)


def test_a_last_day_that_a_source_file_names_is_warned_of_where_none_was(deliver, register):
    dataset = register(change={"moves": {"ended": {"columns": ["ended_on"], "becomes": "filled", "few": 2}}})
    deliver(dataset, *FIRMS)
    ended = [{**one, "ended_on": "2025-06-01"} for one in FIRMS[:3]]
    _, values = deliver(dataset, *ended[:1], *FIRMS[1:], day=NEXT)
    assert values["changes"]["counts"] == {"changed:ended_on": 1, "move:ended": 1}
    assert (values["state"], values["changes"]["warned"]) == (
        "landed",
        "held records revised or gone 1 (first: F00000)",
    )
    _, values = deliver(
        dataset, *({**one, "ended_on": "2025-06-02"} for one in FIRMS[1:4]), FIRMS[0], *FIRMS[4:], day=NEXT
    )
    assert values["state"] == "held"


def test_new_records_of_one_kind_are_told_and_held_only_against_what_the_dataset_itself_brought(register):
    dataset = register()
    found = Changes(1000, {"added": 40}, {"all.median:sales_cny": 40.0})
    assert "unlike those held: all.median:sales_cny 40" in changed_in_words(dataset, found)
    assert beyond(dataset, found, []) == []
    past = {"held": 1000, "counts": {"added": 30}, "drift": {"all.median:sales_cny": 2.0}}
    assert [one.what for one in beyond(dataset, found, [past] * 3)] == ["all.median:sales_cny"]
    usual = {**past, "drift": {"all.median:sales_cny": 30.0}}
    assert beyond(dataset, found, [past, past, usual]) == []


def test_a_limit_is_learnt_from_the_last_nights_up_to_the_ceiling(register):
    dataset = register()
    found = Changes(held=1000, counts={"changed:grade": 20})
    past = {"held": 1000, "counts": {"changed:grade": 15}}
    assert [one.may for one in beyond(dataset, found, [])] == [5]
    assert beyond(dataset, found, [past]) == []
    wild = {"held": 1000, "counts": {"changed:grade": 900}}
    assert [one.may for one in beyond(dataset, Changes(1000, {"changed:grade": 40}), [wild])] == [
        10 * shipped().learn.ceiling_pct
    ]


def test_what_no_correction_does_is_never_learnt_to_be_usual(register):
    past = {"held": 1000, "counts": {"scaled:sales_cny": 900}}
    assert beyond(register(), Changes(1000, {"scaled:sales_cny": 9}), [past] * 30)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("vanished:", "vanishd:", "counts has each of .*, and no other"),
        ("  vanished: {few: 5, pct: 1}\n", "", "counts has each of .*, and no other"),
        ("added: {few: 50, pct: 25}", "added: {few: 50, pct: 25%}", "counts.added.pct"),
    ],
)
def test_shipped_limits_of_which_one_is_not_there_are_refused(old, new, told):
    text = LIMITS_FILE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ValidationError, match=told):
        ChangeLimits.model_validate(read_yaml(text.replace(old, new, 1)))
