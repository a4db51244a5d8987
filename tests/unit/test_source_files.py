"""Source, sink and zone files: checked whole, refused with the place named."""

import re
from contextlib import nullcontext
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import yaml

from connectors.errors import ConfigError
from connectors.sink_files import SINKS_DIR, read_sinks
from connectors.source_files import SOURCES_DIR, read_source, read_sources
from connectors.zone import read_zone
from ledger.settings import PROJECT_DIR


def changed_tax(tmp_path: Path, change) -> Path:
    content = yaml.safe_load((SOURCES_DIR / "tax.yml").read_text(encoding="utf-8"))
    change(content["sources"][0])
    path = tmp_path / "tax.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def meta(entry, table=0):
    return entry["tables"][table]["config"]["meta"]


def test_every_source_file_of_the_project_is_valid():
    assert [source.name for source in read_sources()] == sorted(path.stem for path in SOURCES_DIR.glob("*.yml"))


FAULTS = yaml.safe_load(Path(__file__).with_name("source_faults.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["told"])
def test_a_fault_in_a_source_file_is_refused_and_named(tmp_path, fault):
    def change(entry):
        part = reduce(getitem, fault["at"], entry)
        part.update(fault.get("set", {}))
        part.pop(fault.get("drop"), None)

    with pytest.raises(ConfigError, match=f"(?s){re.escape(fault['told'])}.*Whose: config. Next: fix it"):
        read_source(changed_tax(tmp_path, change))


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (["D"], "varchar", {"values": ["A", "B"]}),
        (["删除"], "boolean", {}),
        (["D"], "integer", {}),
        (["-1"], "integer", {"min": 0}),
        (["-1"], "integer", {"missing_markers": ["-1"]}),
        (["无"], "varchar", {"missing_words": ["无"]}),
        ([" "], "varchar", {}),
    ],
)
def test_a_tombstone_that_can_never_be_met_is_refused_when_its_source_file_is_read(tmp_path, values, kind, said):
    def with_tombstone(entry):
        meta(entry).update(load="upsert", deletes={"kind": "tombstone", "column": "op", "values": values})
        entry["tables"][0]["columns"].append(
            {"name": "op", "data_type": kind, "config": {"meta": {"field": "op", **said}}}
        )

    with pytest.raises(ConfigError, match=f"statements: the tombstone {values[0]!r} can never be met in op"):
        read_source(changed_tax(tmp_path, with_tombstone))


@pytest.mark.parametrize(("kind", "is_valid"), [("tombstone", True), ("replace_by", False)])
def test_a_feed_of_changes_is_never_whole_for_a_value(tmp_path, kind, is_valid):
    def as_feed(entry):
        deletes = {"kind": kind, "column": "fiscal_year"} | ({"values": ["2024"]} if is_valid else {})
        since = {"param": "since", "column": "filed_on", "start": "2020-01-01", "lookback_days": 0}
        meta(entry).update(load="upsert", deletes=deletes)
        meta(entry)["request"].update(since=since)

    refused = pytest.raises(ConfigError, match="replace_by does not go with since")
    with nullcontext() if is_valid else refused:
        read_source(changed_tax(tmp_path, as_feed))


def test_a_source_names_the_variables_of_its_secrets_and_never_their_values():
    tax = read_source(SOURCES_DIR / "tax.yml")
    assert tax.variables() == ["TAX_BASE_URL", "TAX_CLIENT_ID", "TAX_CLIENT_SECRET"]


def test_every_variable_that_a_file_names_stands_in_the_example_environment():
    example = (PROJECT_DIR / ".env.example").read_text(encoding="utf-8")
    named = {name for one in (*read_sources(), *read_sinks()) for name in one.variables()}
    assert sorted(name for name in named if not re.search(rf"^#? ?{name}=", example, re.MULTILINE)) == []


def test_every_sink_file_of_the_project_is_valid():
    assert [sink.name for sink in read_sinks()] == sorted(path.stem for path in SINKS_DIR.glob("*.yml"))


def test_a_column_that_nobody_decided_on_stops_the_delivery():
    (bank,) = [sink for sink in read_sinks() if sink.name == "bank_a"]
    for name, granted in bank.tables.items():
        decided = [*granted.fields, *granted.omitted]
        bank.check_columns(name, decided)
        with pytest.raises(ConfigError, match=r"undecided: legal_representative"):
            bank.check_columns(name, [*decided, "legal_representative"])
        with pytest.raises(ConfigError, match="named but not there"):
            bank.check_columns(name, decided[1:])


@pytest.mark.parametrize("reason", ["''", "'  '", "", "[]"])
def test_a_zone_file_says_a_reason_or_nothing(tmp_path, reason):
    path = tmp_path / "zone.yml"
    path.write_text(f"not_supplied:\n  patent: {reason}\n")
    with pytest.raises(ConfigError, match=r"zone\.yml: not a valid zone file: not_supplied\.patent"):
        read_zone(path, tuple(read_sources()))


def test_a_zone_file_says_what_is_not_supplied_and_why(tmp_path):
    path = tmp_path / "zone.yml"
    path.write_text("not_supplied: {patent: no patent office here, tax.rd_deductions: not yet agreed}\n")
    sources = read_sources()
    zone = read_zone(path, sources)
    by_address = {d.address: zone.why_not_supplied(d) for s in sources for d in s.datasets}
    assert by_address["patent.pct_applications"] == "no patent office here"
    assert by_address["tax.rd_deductions"] == "not yet agreed"
    assert by_address["tax.statements"] is None


@pytest.mark.parametrize(
    "text",
    [
        "not_supplied: {patents: gone}",
        "missing_markers: {tax.statements: {revenue: ['-1']}}",
        "missing_markers: {tax: {uscc: ['-1']}}",
        "supplied: {}",
        "not_supplied: [patent]",
    ],
)
def test_a_zone_file_that_names_nothing_we_know_is_refused(tmp_path, text):
    path = tmp_path / "zone.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="Whose: config"):
        read_zone(path, read_sources())


@pytest.mark.parametrize("text", ["[]", "5", "", "sources: 5", "sources: [5]", "sources: []", "sources: [{}, {}]"])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    path = tmp_path / "tax.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="not a valid source file"):
        read_source(path)


@pytest.mark.parametrize("read", [read_source, lambda path: read_sinks(path.parent), lambda path: read_zone(path, [])])
def test_a_name_twice_is_refused_in_every_kind_of_file(tmp_path, read):
    path = tmp_path / "tax.yml"
    path.write_text("kind: extract\nkind: extract\n")
    with pytest.raises(ConfigError, match=r"line 2: `kind` stands twice in one part.*Whose: config"):
        read(path)


def test_a_secret_written_into_a_file_is_not_repeated(tmp_path):
    def spell_out(entry):
        entry["config"]["meta"]["connection"]["auth"]["client_secret"] = "a-literal-secret"

    with pytest.raises(ConfigError, match=r"connection\.auth") as caught:
        read_source(changed_tax(tmp_path, spell_out))
    assert "a-literal-secret" not in str(caught.value)
    assert str(caught.value).count("connection.") == 1
