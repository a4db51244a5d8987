"""The invented district: the same each time, wrong only where that was planted, and its truth as reckoned by hand."""

import csv
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from stdnum.cn import uscc as stdnum_uscc

from connectors.refusals import quarantine_path, read_lines
from connectors.source_files import read_sources
from connectors.spec import FileRequest
from sandbox import codes, feeds
from sandbox.district import cut, generate
from sandbox.district_faults import WHO, read_table
from sandbox.standin import files
from sandbox.standin.encode import encode
from sandbox.standin.records import hold_stocks
from tests.district_evidence import reporting_year
from tests.district_indicators import INDICATORS, QUANTITIES
from tests.district_truth import truth_of, whole_truth

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def district():
    return generate()


@pytest.fixture(scope="module")
def cut_feeds(district):
    return cut(district)


@pytest.fixture(scope="module")
def truth():
    return whole_truth()


def planted(truth, kind):
    return [entry for entry in truth["planted"] if entry["kind"] == kind]


def value(truth, uscc, code):
    text = truth["indicators"][uscc][code]
    return None if text is None else Decimal(text)


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def test_another_process_with_another_hash_seed_writes_the_same_bytes(cut_feeds, truth, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    feeds.write(cut_feeds, here, [])
    (here / "truth.json").write_text(json.dumps(truth))
    program = (
        "import json, pathlib; from sandbox import district, feeds; from tests.district_truth import whole_truth; "
        f"there = pathlib.Path({str(there)!r}); feeds.write(district.cut(district.generate()), there, []); "
        "(there / 'truth.json').write_text(json.dumps(whole_truth()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert digest(here) == digest(there)


def pages_of(stock):
    """The pages of a dataset as its agency would send them."""
    dataset, parts = stock.dataset, [stock.entries]
    if isinstance(dataset.request, FileRequest):
        parts = [part for _, part in files.cut(stock, dataset.request)]
    return [encode(dataset, [entry.wire for entry in part], place=place) for place, part in enumerate(parts)]


ACTIONS = {"quarantined": "record_refused", "discarded": "value_discarded", "repaired": "value_repaired"}


def test_nothing_is_refused_but_what_was_planted(land_pages, settings, cut_feeds, truth, tmp_path):
    feeds.write(cut_feeds, tmp_path, [])
    paths = {address: feeds.feed_path(tmp_path, address) for address in cut_feeds.tables}
    found = Counter()
    for source in read_sources():
        for stock in hold_stocks(source, paths).values():
            key, _ = land_pages(stock.dataset, pages_of(stock))
            path = quarantine_path(settings.data_dir, key.source, key.dataset, key.batch)
            lines = read_lines(path) if path.exists() else []
            found.update((key.source, key.dataset, line["reason"], line["action"]) for line in lines)
    expected = Counter(
        (entry["source"], entry["dataset"], entry["reason"], ACTIONS[entry["expect"]])
        for entry in truth["planted"]
        if entry["expect"] in ACTIONS
    )
    assert found == expected


def test_every_dataset_has_the_declared_fields_and_a_volume_within_its_bounds(cut_feeds):
    declared = {dataset.address: dataset for source in read_sources() for dataset in source.datasets}
    assert cut_feeds.tables.keys() == declared.keys()
    for address, dataset in declared.items():
        records = cut_feeds.tables[address]
        assert dataset.volume.floor <= len(records) <= dataset.volume.ceiling, address
        fields = {column.source_field for column in dataset.columns}
        assert {name for record in records for name in record} == fields, address


# GB 32100, annex: the weights as printed, to check codes by another way than that by which they were made.
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def test_every_code_is_valid_by_a_second_reckoning_and_the_rare_kinds_are_among_them(district):
    usccs = [enterprise.uscc for enterprise in district.enterprises]
    for uscc in usccs:
        values = [codes.ALPHABET.index(character) for character in uscc]
        assert (sum(w * v for w, v in zip(WEIGHTS, values, strict=False)) + values[17]) % 31 == 0
        assert stdnum_uscc.is_valid(uscc) or not uscc[:2].isdigit(), uscc
    assert sum(uscc.endswith("0") for uscc in usccs) >= 10
    assert {"12", "52", "A1", "N1", "Y1"} <= {uscc[:2] for uscc in usccs}
    numbers = [*usccs, *map(codes.as_organisation_code, usccs), *map(codes.as_old_taxpayer_number, usccs)]
    numbers += [e.registration_no for e in district.enterprises if e.registration_no]
    assert max(Counter(numbers).values()) == 1


def test_every_row_of_the_table_is_planted_and_named_by_its_key_as_sent(truth):
    rows = read_table()
    kinds = {entry["kind"] for entry in truth["planted"]}
    assert {row["kind"] for row in rows if row["kind"]} < kinds
    assert {row["who"].partition(" as ")[0] for row in rows} - {""} <= set(WHO)
    assert (len(truth["planted"]), len(kinds)) == (294, 213)
    for entry in truth["planted"]:
        assert entry["record"]
        assert entry["sent"]
        if entry["expect"] == "quarantined" and entry["reason"] != "required_missing":
            assert None not in entry["record"].values(), entry["kind"]


def test_each_indicator_sets_enterprises_apart(truth):
    assert list(INDICATORS) == sorted(INDICATORS)
    for code in INDICATORS:
        values = Counter(values[code] for values in truth["indicators"].values())
        assert len([text for text in values if text is not None]) >= 2, code
        assert sum(times for text, times in values.items() if text not in (None, "0.000000")) >= 10, code


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("zero_base", "C02", "not_defined"),
        ("negative_base", "C10", "not_defined"),
        ("young_firm", "C02", "not_defined"),
        ("founded_on_first_young_day", "C10", "not_defined"),
        ("founded_on_last_old_day", "C10", "supplied"),
        ("negative_net_assets", "C13", "not_defined"),
        ("zero_net_assets", "C13", "not_defined"),
        ("zero_revenue", "C03", "not_defined"),
        ("zero_staff", "C04", "not_defined"),
        ("no_filing_of_last_year", "C01", "record_not_supplied"),
        ("no_filing_of_last_year", "C02", "record_not_supplied"),
        ("no_prior_filing", "C10", "record_not_supplied"),
        ("negative_headcount", "C11", "value_not_supplied"),
        ("absurd_headcount", "C04", "value_not_supplied"),
        ("part_over_whole", "C14", "record_not_supplied"),
        ("missing_december", "C14", "record_not_supplied"),
        ("number_claimed_by_two", "C04", "record_not_supplied"),
        ("real_zero_rd", "C01", "supplied"),
        ("no_claim", "C12", "supplied"),
        ("split_in_2024", "C02", "not_defined"),
        ("split_in_2024", "L05", "not_defined"),
        ("new_set_merger_in_2024", "C10", "not_defined"),
        ("incorporation_in_2023", "C10", "not_defined"),
        ("absorption_in_2023", "C10", "supplied"),
        ("grade_published_too_late", "L20", "record_not_supplied"),
    ],
)
def test_a_planted_edge_has_the_state_it_was_planted_for(truth, kind, code, status):
    assert {truth["statuses"][entry["uscc"]][code] for entry in planted(truth, kind)} == {status}


@pytest.mark.parametrize(
    ("kind", "code", "values"),
    [
        ("real_zero_rd", "C01", [0]),
        ("real_zero_scientists", "C04", [0]),
        ("revenue_20_million", "C09", [2000]),
        ("revenue_under_200_million", "C09", ["19999.999999"]),
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


@pytest.mark.parametrize(("kind", "place"), [("late_correction", 1), ("letters_typed_for_digits", 0)])
def test_what_is_corrected_or_put_right_by_rule_is_what_counts(truth, kind, place):
    entry = planted(truth, kind)[place]
    assert value(truth, entry["uscc"], "C09") == (Decimal(entry["sent"]["yysr"]) / 10_000).quantize(Decimal("0.000001"))


def test_who_takes_part_is_whom_the_table_says(truth):
    said = [entry for entry in truth["planted"] if entry["expect"] in ("eligible", "ineligible")]
    assert len(said) == 27
    for entry in said:
        assert (entry["uscc"] in truth["eligible"]) == (entry["expect"] == "eligible"), entry["kind"]


def test_who_consents_is_whom_the_table_says_on_this_and_on_any_later_day(district, truth):
    renewed = {entry["uscc"] for entry in planted(truth, "consent_renewed")}
    for entry in truth["planted"]:
        if entry["expect"] == "denied":
            assert (entry["uscc"] in truth["consented"][entry["record"]["recipient"]]) == (entry["uscc"] in renewed)
    held = [c for e in district.enterprises for c in e.consents if c.holds_on(district.as_of)]
    assert {(consent.valid_to, consent.withdrawn_on) for consent in held} == {(None, None)}


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
        assert truth["statuses"][entry["uscc"] or entry["sent"]["uscc"]][code] == "value_not_supplied"


def without(district, uscc):
    """What would be true if nothing were filed about one enterprise."""
    own = ("filings", "platforms", "events", "persons", "titles")
    bare = {**dict.fromkeys(own, ()), "parent_uscc": None, "status": "cancelled"}
    others = tuple(dataclasses.replace(e, **bare) if e.uscc == uscc else e for e in district.enterprises)
    successions = tuple(s for s in district.successions if s.predecessor_uscc != uscc)
    return truth_of(dataclasses.replace(district, enterprises=others, successions=successions))


def test_what_is_filed_about_a_branch_or_an_incorporated_business_is_its_companys(district, truth):
    for kind, least in (("branch", {"L07", "L11", "L22"}), ("incorporation_in_2023", {"L11"})):
        for entry in planted(truth, kind):
            own, company = entry["usccs"]
            assert own not in truth["eligible"]
            alone, whole = without(district, own)["indicators"][company], truth["indicators"][company]
            assert least <= {code for code in INDICATORS if whole[code] != alone[code]}
            assert kind == "branch" or value(truth, company, "L16") >= Decimal("1.5")
            hashes = [p.person_hash for e in district.enterprises if e.uscc in entry["usccs"] for p in e.persons]
            assert len(hashes) - len(set(hashes)) == (1 if kind == "branch" else 0)


def test_growth_after_absorptions_is_measured_from_all_who_were_absorbed(district, truth):
    by_code = {e.uscc: e for e in district.enterprises}
    known, unknown = planted(truth, "absorption_in_2024")
    first, second = planted(truth, "absorbed_in_a_chain")
    assert first["usccs"][1] == second["usccs"][0]
    for everyone in (known["usccs"], [*first["usccs"], second["usccs"][1]]):
        filings = [f for uscc in everyone for f in by_code[uscc].filings if f.fiscal_year == 2023]
        base = sum(filing.revenue for filing in filings)
        now = next(f.revenue for f in by_code[everyone[-1]].filings if f.fiscal_year == 2024)
        assert value(truth, everyone[-1], "C10") == ((now - base) * 100 / base).quantize(Decimal("0.000001"))
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
    lost = value(truth, buyer, "L11") - value(truth_of(untouched), buyer, "L11")
    assert lost == len([p for p in gone if p.lapsed_on is None])


def test_the_quantities_of_levels_are_those_of_the_rule_set():
    path = ROOT / "dbt_project" / "seeds" / "rulesets" / "ruleset_levels.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ruleset_id"] == "zhongkai-2024"]
    found = defaultdict(dict)
    for row in rows:
        found[row["indicator_code"]][row["level"]] = Decimal(row["quantity"])
    assert found == {code: dict(levels) for code, levels in QUANTITIES.items()}


@pytest.mark.parametrize(("day", "year"), [("2025-05-31", 2023), ("2025-06-01", 2024), ("2025-06-30", 2024)])
def test_a_year_is_reported_once_its_returns_are_due(day, year):
    assert reporting_year(date.fromisoformat(day)) == year
