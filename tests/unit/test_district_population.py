"""The invented district: the same each time, whole, and wrong only where a fault was planted."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from stdnum.cn import uscc as stdnum_uscc

from connectors.refusals import quarantine_path, read_lines
from connectors.source_files import read_sources
from connectors.spec import FileRequest
from sandbox import codes, feeds, names
from sandbox.district import cut, generate
from sandbox.standin import files
from sandbox.standin.encode import encode
from sandbox.standin.records import hold_stocks

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "connectors" / "sources"


@pytest.fixture(scope="module")
def district():
    return generate()


@pytest.fixture(scope="module")
def cut_feeds(district):
    return cut(district)


@pytest.fixture(scope="module")
def truth(cut_feeds):
    return json.loads(json.dumps(cut_feeds.truth))


def planted(truth, kind):
    return [entry for entry in truth["planted"] if entry["kind"] == kind]


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def test_another_process_with_another_hash_seed_writes_the_same_bytes(cut_feeds, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    feeds.write(cut_feeds, here, [])
    program = (
        "import pathlib; from sandbox import district, feeds; "
        f"feeds.write(district.cut(district.generate()), pathlib.Path({str(there)!r}), [])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert digest(here) == digest(there)


def test_another_seed_makes_another_district(district):
    assert generate(seed=1).enterprises[0] != district.enterprises[0]


@pytest.fixture(scope="module")
def stocks(cut_feeds, tmp_path_factory):
    """What each agency holds, by address."""
    state = tmp_path_factory.mktemp("held")
    feeds.write(cut_feeds, state, [])
    paths = {address: feeds.feed_path(state, address) for address in cut_feeds.tables}
    held = [hold_stocks(source, paths).values() for source in read_sources()]
    return {stock.dataset.address: stock for found in held for stock in found}


def bodies_of(stock):
    """The pages of a dataset as its agency would send them."""
    dataset = stock.dataset
    parts = [stock.entries]
    if isinstance(dataset.request, FileRequest):
        parts = [part for _, part in files.cut(stock, dataset.request)]
    return [encode(dataset, [entry.wire for entry in part], place=place) for place, part in enumerate(parts)]


@pytest.fixture
def refusals_of(land_pages, settings, stocks):
    """What the connectors refuse or discard of a dataset, as (reason, action)."""

    def refused(source, dataset):
        key, _ = land_pages(dataset, bodies_of(stocks[f"{source}.{dataset.name}"]))
        path = quarantine_path(settings.data_dir, key.source, key.dataset, key.batch)
        lines = read_lines(path) if path.exists() else []
        return Counter((line["reason"], line["action"]) for line in lines)

    return refused


ACTIONS = {"quarantined": "record_refused", "discarded": "value_discarded", "repaired": "value_repaired"}


def test_nothing_is_refused_but_what_was_planted(refusals_of, truth):
    expected = Counter()
    for entry in truth["planted"]:
        if action := ACTIONS.get(entry["expect"]):
            expected[entry["source"], entry["dataset"], entry["reason"], action] += 1
    found = Counter()
    for source in read_sources():
        for dataset in source.datasets:
            for (reason, action), times in refusals_of(source.name, dataset).items():
                found[source.name, dataset.name, reason, action] += times
    assert found == expected


def test_every_dataset_has_the_declared_fields_and_a_volume_within_its_bounds(cut_feeds):
    rows = dict(cut_feeds.tables)
    for path in sorted(SOURCES.glob("*.yml")):
        source = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"][0]
        for table in source["tables"]:
            records = rows.pop(f"{source['name']}.{table['name']}")
            volume = table["config"]["meta"]["volume"]
            assert volume["floor"] <= len(records) <= volume["ceiling"], table["name"]
            fields = {
                column.get("config", {}).get("meta", {}).get("field", column["name"]) for column in table["columns"]
            }
            assert {name for record in records for name in record} == fields, table["name"]
    assert not rows


def test_the_district_has_702_enterprises_in_three_stages_and_many_industries(district, truth):
    revenue = {
        e.uscc: max((f.revenue for f in e.filings if f.fiscal_year == 2024 and f.revenue is not None), default=None)
        for e in district.enterprises
    }
    known = sorted(amount for amount in revenue.values() if amount is not None)
    assert len(revenue) == 702
    assert len(truth["eligible"]) == len(truth["indicators"]) == len(truth["statuses"])
    assert known[5] < 200_000
    assert known[-3] > 2_000_000_000
    assert min(sum(a < 20_000_000 for a in known), sum(a >= 200_000_000 for a in known)) > 50
    assert len({e.industry_code for e in district.enterprises}) >= 20


# GB 32100, annex: the weights as printed, to check codes by another way than that by which they were made.
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def test_every_code_is_valid_by_a_second_reckoning(district):
    for enterprise in district.enterprises:
        values = [codes.ALPHABET.index(character) for character in enterprise.uscc]
        assert (sum(w * v for w, v in zip(WEIGHTS, values, strict=False)) + values[17]) % 31 == 0
        if enterprise.uscc[:2].isdigit():
            assert stdnum_uscc.is_valid(enterprise.uscc), enterprise.uscc


def test_codes_cover_the_zero_check_and_the_rare_departments(district):
    kinds = Counter(enterprise.uscc[:2] for enterprise in district.enterprises)
    assert sum(enterprise.uscc.endswith("0") for enterprise in district.enterprises) >= 10
    assert {"12", "52", "A1", "N1", "Y1"} <= set(kinds)
    assert len({enterprise.uscc for enterprise in district.enterprises}) == 702


def test_no_name_is_borne_twice_but_the_shared_one(district):
    bearers = Counter(name.name for enterprise in district.enterprises for name in enterprise.names)
    assert [times for times in bearers.values() if times > 1] == [2]


def test_name_histories_have_neither_gap_nor_overlap(district, truth):
    twin = planted(truth, "name_held_by_two")[0]["usccs"][1]
    for enterprise in district.enterprises:
        for former, later in zip(enterprise.names, enterprise.names[1:], strict=False):
            assert former.valid_to is not None
            assert (later.valid_from - former.valid_to).days == 1
        assert enterprise.names[-1].valid_to is None
        assert enterprise.names[0].valid_from == enterprise.founded_on or enterprise.uscc == twin
    assert sum(len(enterprise.names) > 1 for enterprise in district.enterprises) > 60


def test_brands_repeat_for_no_number_in_use():
    used = [names.brand(number) for number in range(3_000)]
    assert len(set(used)) == len(used)
