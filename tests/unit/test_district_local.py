"""The district's local facts: who continues whom, what counts on the business date, and what contradicts what."""

import csv
import dataclasses
import json
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox import codes
from sandbox.district import cut, generate
from sandbox.truth import tell
from sandbox.truth_indicators import QUANTITIES

ROOT = Path(__file__).parents[2]
LOCAL = [f"L{number:02d}" for number in range(1, 23)]


@pytest.fixture(scope="module")
def district():
    return generate()


@pytest.fixture(scope="module")
def feeds(district):
    return cut(district)


@pytest.fixture(scope="module")
def truth(feeds):
    return json.loads(json.dumps(feeds.truth))


def planted(truth, kind):
    return [entry for entry in truth["planted"] if entry["kind"] == kind]


def value(truth, uscc, code):
    text = truth["indicators"][uscc][code]
    return None if text is None else Decimal(text)


@pytest.mark.parametrize("code", LOCAL)
def test_each_local_indicator_sets_enterprises_apart(truth, code):
    values = Counter(values[code] for values in truth["indicators"].values())
    assert len([text for text in values if text is not None]) >= 2
    assert sum(times for text, times in values.items() if text not in (None, "0.000000")) >= 10


@pytest.mark.parametrize(
    ("kind", "code", "values"),
    [
        ("talent_expired", "L01", [0]),
        ("talent_valid_on_last_day", "L01", [3]),
        ("talent_left_on_as_of", "L01", [0]),
        ("person_left_on_as_of", "L03", [0]),
        ("person_on_earlier_list", "L03", [0]),
        ("person_leaves_next_day", "L03", [1]),
        ("cooperation_ends", "L10", [0, 1]),
        ("standard_withdrawn", "L14", [0]),
        ("standard_withdrawn_next_day", "L14", ["1.5"]),
        ("standard_not_yet_published", "L14", [0]),
        ("drafter_printed_twice", "L14", [1]),
        ("product_ends", "L15", [0, 1]),
        ("title_expired", "L16", [0]),
        ("title_valid_on_last_day", "L16", [5]),
        ("title_revoked_on_as_of", "L16", [0]),
        ("title_revoked_next_day", "L16", [5]),
        ("contest_two_years_old", "L17", [0]),
        ("contest_within_two_years", "L17", [5]),
        ("grade_by_name_alone", "L19", [5]),
        ("grade_reviewed", "L20", [6]),
        ("grade_reviewed_too_late", "L20", [1]),
        ("grade_of_an_earlier_year", "L20", [1]),
        ("organisation_code", "L21", [1]),
        ("organisation_code_with_hyphen", "L21", [1]),
        ("event_repaired", "L22", [0, 0]),
        ("event_repaired_on_as_of", "L22", [0, 0]),
        ("event_repaired_too_late", "L22", [6, 6]),
        ("repair_refused", "L22", [6, 6]),
        ("severity_not_stated", "L22", [2]),
    ],
)
def test_a_planted_edge_counts_for_what_it_was_planted_for(truth, kind, code, values):
    assert [value(truth, entry["uscc"], code) for entry in planted(truth, kind)] == [Decimal(one) for one in values]


def test_dated_states_overrule_the_columns_of_the_register(truth):
    edges = [entry for entry in truth["planted"] if entry["kind"].startswith("state_")]
    assert {entry["expect"] for entry in edges} == {"eligible", "ineligible"}
    for entry in edges:
        assert (entry["uscc"] in truth["eligible"]) == (entry["expect"] == "eligible"), entry["kind"]


def without(district, uscc):
    """What would be true if nothing were filed about one enterprise."""
    own = ("filings", "platforms", "events", "persons", "titles")
    bare = {**dict.fromkeys(own, ()), "parent_uscc": None, "status": "cancelled"}
    return tell(
        dataclasses.replace(
            district,
            enterprises=tuple(dataclasses.replace(e, **bare) if e.uscc == uscc else e for e in district.enterprises),
            successions=tuple(s for s in district.successions if s.predecessor_uscc != uscc),
        )
    )


def test_a_branch_is_not_scored_and_what_is_filed_about_it_is_its_companys(district, truth):
    for entry in planted(truth, "branch"):
        branch, parent = entry["usccs"]
        assert branch not in truth["eligible"]
        alone = without(district, branch)
        gained = {code for code in LOCAL if truth["indicators"][parent][code] != alone["indicators"][parent][code]}
        assert {"L07", "L11", "L22"} <= gained
        everyone = [e for e in district.enterprises if e.uscc in (branch, parent)]
        hashes = [p.person_hash for e in everyone for p in e.persons]
        assert len(set(hashes)) == len(hashes) - 1


def test_a_business_that_became_a_company_goes_on_in_it(district, truth):
    for entry in planted(truth, "incorporation_in_2023"):
        business, company = entry["usccs"]
        assert business.startswith("92")
        assert business not in truth["eligible"]
        alone = without(district, business)
        assert value(truth, company, "L11") > value(alone, company, "L11")
        assert value(truth, company, "L16") >= Decimal("1.5")


def test_growth_after_a_chain_of_absorptions_is_measured_from_all_of_them(district, truth):
    first, second = planted(truth, "absorbed_in_a_chain")
    assert first["usccs"][1] == second["usccs"][0]
    *_, survivor = everyone = [*first["usccs"], second["usccs"][1]]
    filings = [(e.uscc, f) for e in district.enterprises if e.uscc in everyone for f in e.filings]
    base = sum(filing.revenue for _, filing in filings if filing.fiscal_year == 2023)
    (now,) = [filing.revenue for uscc, filing in filings if uscc == survivor and filing.fiscal_year == 2024]
    assert value(truth, survivor, "C10") == ((now - base) * 100 / base).quantize(Decimal("0.000001"))


def test_growth_after_an_absorption_compares_like_with_like(district, truth):
    by_code = {e.uscc: e for e in district.enterprises}
    known, unknown = planted(truth, "absorption_in_2024")
    before, after = (by_code[uscc] for uscc in known["usccs"])
    revenue = {f.fiscal_year: f.revenue for f in after.filings}
    base = revenue[2023] + next(f.revenue for f in before.filings if f.fiscal_year == 2023)
    grown = (revenue[2024] - base) * 100 / base
    assert value(truth, after.uscc, "C10") == grown.quantize(Decimal("0.000001"))
    assert {truth["statuses"][unknown["uscc"]][code] for code in ("C02", "C10", "L05")} == {"value_not_supplied"}


def test_a_right_moves_with_a_recorded_transfer_and_with_no_other(district, truth):
    held = defaultdict(set)
    for entry in truth["planted"]:
        if entry["kind"].startswith("transfer"):
            held[entry["kind"]].add(entry["sent"]["id"])
    moved = {one.record_no: one for one in district.patents if one.transferred_to}
    stays = held["transfer_not_recorded"] | held["transfer_recorded_too_late"]
    buyer = moved[next(iter(held["transferred_in"]))].holder
    untouched = dataclasses.replace(
        district, patents=tuple(p for p in district.patents if p.record_no not in moved or p.record_no in stays)
    )
    gone = [p for p in moved.values() if p.record_no not in stays and p.holder == buyer]
    assert len(gone) >= 4
    lost = value(truth, buyer, "L11") - value(tell(untouched), buyer, "L11")
    assert lost == len([p for p in gone if p.lapsed_on is None])


def test_figures_contradict_each_other_where_that_was_planted_and_nowhere_else(truth):
    expected = defaultdict(set)
    for entry in truth["planted"]:
        if entry["expect"] in ("Q5", "Q7", "Q8", "Q9", "Q16", "Q23"):
            expected[entry["uscc"]].add(entry["expect"])
    assert {uscc: set(rules) for uscc, rules in truth["flags"].items()} == expected
    assert len(expected) == 9


def test_a_zero_is_not_known_where_a_record_was_refused(truth):
    for dataset, code in (("titles", "L16"), ("software_and_layouts", "L13")):
        (entry,) = [e for e in planted(truth, "outside_allowed_set") if e["dataset"] == dataset]
        uscc = entry["uscc"] or entry["sent"]["uscc"]
        assert truth["statuses"][uscc][code] == "value_not_supplied"


def test_a_code_typed_with_letters_still_tells_whose_the_statement_is(truth):
    (entry,) = planted(truth, "letters_typed_for_digits")
    assert not set("0125") & set(codes.as_organisation_code(entry["sent"]["nsrsbh"]))
    assert value(truth, entry["uscc"], "C09") == (Decimal(entry["sent"]["yysr"]) / 10_000).quantize(Decimal("0.000001"))


def test_every_older_number_belongs_to_one_enterprise_alone(district):
    numbers = [codes.as_organisation_code(e.uscc) for e in district.enterprises]
    numbers += [codes.as_old_taxpayer_number(e.uscc) for e in district.enterprises]
    numbers += [e.registration_no for e in district.enterprises if e.registration_no]
    assert max(Counter(numbers).values()) == 1


def test_a_court_knows_nobody_by_the_unified_code(feeds):
    sent = [r for r in feeds.tables["credit.events"] if r["eventType"] == "judgment_defaulter"]
    assert {len(record["uscc"]) for record in sent} == {9, 10}


def test_the_quantities_of_levels_are_those_of_the_rule_set():
    path = ROOT / "dbt_project" / "seeds" / "rulesets" / "ruleset_levels.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ruleset_id"] == "zhongkai-2024"]
    found = defaultdict(dict)
    for row in rows:
        found[row["indicator_code"]][row["level"]] = Decimal(row["quantity"])
    assert found == {code: dict(levels) for code, levels in QUANTITIES.items()}
