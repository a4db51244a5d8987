"""The stand-in's records, bytes and plans, without a socket."""

import datetime as dt
import fnmatch
import shutil
import time
import types
import typing
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from connectors import uscc
from connectors.decoders.decode import decode
from connectors.source_files import SOURCES_DIR, read_source, read_sources
from connectors.spec import (
    Answered,
    Column,
    Dataset,
    Deletes,
    Flag,
    FolderConnection,
    Manifest,
    NoGap,
    Partition,
    PartWithinWhole,
    ReportJob,
    Since,
    SinceColumn,
    Source,
    StableSize,
    Trailer,
    Unwatched,
    ValidTime,
)
from sandbox.standin.encode import encode
from sandbox.standin.faults import PlanError, parse_plan
from sandbox.standin.kinds import FAULT_KINDS
from sandbox.standin.records import make_stocks
from sandbox.standin.truth import true_rows
from sandbox.standin.world import make_world
from sandbox.start import SAMPLES

PLANS = Path(SAMPLES).with_name("faults")
ALL = read_sources(SAMPLES)
DATASETS = [(source, dataset) for source in ALL for dataset in source.datasets]


def kinds_declared(annotation, found):
    """Every (class, kind) that a type of the grammar can hold, however deep."""
    for part in (annotation, *typing.get_args(annotation)):
        if isinstance(part, type) and not isinstance(part, types.GenericAlias) and issubclass(part, BaseModel):
            if part in found:
                continue
            kind = part.model_fields.get("kind")
            found[part] = typing.get_args(kind.annotation)[0] if kind else None
            for field in part.model_fields.values():
                kinds_declared(field.annotation, found)
        elif part is not annotation:
            kinds_declared(part, found)
    return found


def parts_in(part):
    """Every part of a source, however deep."""
    if isinstance(part, BaseModel):
        yield part
        for name in type(part).model_fields:
            yield from parts_in(getattr(part, name))
    elif isinstance(part, tuple | dict):
        for one in part.values() if isinstance(part, dict) else part:
            yield from parts_in(one)


def test_the_samples_use_every_part_that_the_grammar_knows():
    used = {type(part) for source in ALL for part in parts_in(source)}
    assert {part.__name__ for part in kinds_declared(Source, {})} - {part.__name__ for part in used} == set()


def test_the_samples_cover_both_ways_of_what_has_two():
    parts = [part for source in ALL for part in parts_in(source)]
    values = {
        (type(part).__name__, name, str(getattr(part, name))) for part in parts for name in type(part).model_fields
    }
    wanted = """
        SignedRequest digest sha256|SignedRequest digest sm3|OAuth2ClientCredentials send header
        OAuth2ClientCredentials send body|ApiKey header None|ApiKey param None|SessionLogin token None
        Keyset order number|Keyset order text|ReportJob download_url None|ReportJob download_path None
        Partition values None|Partition dataset None|JsonDecoder records None|CsvDecoder encoding utf-16
        CsvDecoder encoding gb18030|CsvDecoder encoding ('utf-8', 'gbk')|CsvDecoder archive zip
        JsonLinesDecoder archive gzip|RestRequest method POST|Column unit 万元|Column unit 元|Dataset load snapshot
        Dataset load upsert
    """
    wanted = {tuple(one.strip().split(" ", 2)) for line in wanted.strip().splitlines() for one in line.split("|")}
    assert wanted - values == set()
    named = (Answered, Trailer, Flag, Manifest, StableSize, Since, SinceColumn, NoGap, Unwatched, ValidTime, ReportJob)
    assert {type(part) for part in parts} >= {*named, Partition, PartWithinWhole, FolderConnection}
    assert {d.kind for d in parts if isinstance(d, typing.get_args(typing.get_args(Deletes)[0]))} == {
        "tombstone",
        "replace_by",
    }


@pytest.mark.parametrize(("source", "dataset"), DATASETS, ids=[d.address for _, d in DATASETS])
def test_records_keep_every_rule_of_their_source_file(source: Source, dataset: Dataset):
    rows = [entry.typed for entry in make_stocks(source, 57, 7)[dataset.name].entries]
    assert len(rows) == 57
    assert len({tuple(row[name] for name in dataset.key) for row in rows}) == 57
    for row in rows:
        for column in dataset.columns:
            check_value(column, row[column.name])
        for rule in dataset.rules:
            part, whole = row[rule.part], row[rule.whole]
            assert part is None or whole is None or part <= whole


def check_value(column: Column, value):
    if value is None:
        assert not column.required
        return
    assert column.check is None or uscc.fault(value) is None
    assert column.values is None or value in column.values
    assert column.min is None or value >= column.min
    value = value.date() if isinstance(value, dt.datetime) else value
    assert column.min is None or value >= column.min
    assert column.max is None or value <= column.max


def test_the_same_seed_gives_the_same_agency_and_another_one_another():
    source = read_source(SAMPLES / "court.yml")
    first, again, other = (make_stocks(source, 57, seed)["judgments"].entries for seed in (7, 7, 8))
    assert [entry.wire for entry in first] == [entry.wire for entry in again]
    assert [entry.wire for entry in first] != [entry.wire for entry in other]


def test_a_formula_in_a_text_must_land_as_the_text_it_is():
    source = read_source(SAMPLES / "customs.yml")
    stock = make_stocks(source, 20, 7)["consignments"]
    (fault,) = parse_plan([{"kind": "formula_in_text", "position": "middle"}])
    odd = [row["goods"] for row in true_rows(stock, [fault]) if str(row["goods"]).startswith("=")]
    assert len(odd) == 1


def test_every_kind_of_fault_can_strike_a_sample():
    struck = {name for name, kind in FAULT_KINDS.items() if any(kind.applies(*one) for one in DATASETS)}
    assert set(FAULT_KINDS) - struck == set()
    assert len(FAULT_KINDS) >= 90


def test_the_example_plan_names_every_kind_where_it_applies():
    plan = yaml.safe_load((PLANS / "every_kind.yml").read_text(encoding="utf-8"))
    faults = parse_plan(plan, {source.name: [d.name for d in source.datasets] for source in ALL})
    assert {fault.name for fault in faults} == set(FAULT_KINDS)
    for fault in faults:
        source = next(source for source in ALL if source.name == fault.source)
        assert fault.kind.applies(source, source.dataset(str(fault.dataset))), fault


def test_the_plan_of_hiccups_holds_nothing_that_must_stop_a_night():
    plan = yaml.safe_load((PLANS / "hiccups.yml").read_text(encoding="utf-8"))
    assert {fault.kind.expected for fault in parse_plan(plan)} == {"right"}


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ([{"kind": "status_599"}], "no fault of kind status_599"),
        ([{"source": "tax"}], "names no kind"),
        ([{"kind": "stall", "postion": "first"}], "unknown words postion"),
        ([{"kind": "stall", "position": "end"}], "position is first, middle, last"),
        ({"kind": "stall"}, "a list of entries"),
        ([{"kind": "stall", "source": "nobody"}], "no source nobody"),
        ([{"kind": "stall", "source": "court", "dataset": "x"}], "no dataset court.x"),
    ],
)
def test_a_plan_that_says_something_unknown_is_refused(plan, said):
    with pytest.raises(PlanError, match=said):
        parse_plan(plan, {"court": ["judgments"]})


def test_a_workbook_written_a_second_later_is_the_same_file():
    dataset = read_source(SAMPLES / "statistics_bureau.yml").datasets[0]
    first = encode(dataset, [])
    time.sleep(1.01)
    assert encode(dataset, []) == first


def test_two_datasets_of_one_folder_keep_each_its_own_files(tmp_path):
    sources, state = tmp_path / "sources", tmp_path / "state"
    sources.mkdir()
    shutil.copy(SOURCES_DIR / "talent.yml", sources)
    world = make_world(sources, state, rows=30, seed=7)
    folder = state / "sftp" / "talent" / "outbox"
    patterns = [dataset.request.pattern for dataset in world.sources["talent"].datasets]
    whole = {file.name for file in folder.iterdir()}
    assert [len(fnmatch.filter(whole, pattern)) for pattern in patterns] == [3] * len(patterns)
    (folder / fnmatch.filter(whole, patterns[0])[0]).rename(folder / "headcount_of_an_earlier_start.zip")
    make_world(sources, state, rows=30, seed=7)
    assert {file.name for file in folder.iterdir()} == whole


@pytest.mark.parametrize(
    "decoder",
    [
        {"kind": "csv", "delimiter": "|", "quote": "none", "header_row": 3, "ends_at": ["合计", "注:"]},
        {"kind": "csv", "quote": "'", "multiline": True},
        {"kind": "xlsx", "header_row": 2, "ends_at": ["合计"]},
    ],
)
def test_a_table_with_titles_and_an_end_is_written_as_it_is_declared(make_dataset, decoder):
    request = {"folder": "x", "pattern": "*"}
    dataset = make_dataset(decoder=decoder, request=request, paginator=None)
    records = [{"uscc": "91110000600037341L", "yysr": "1.50"}, {"uscc": "91440300192185379H", "yysr": "2.50"}]
    chunks = list(decode(dataset, "f", encode(dataset, records)))
    assert [code for chunk in chunks for code in chunk.columns["uscc"]] == [one["uscc"] for one in records]
    assert [note for chunk in chunks for note in chunk.notes] == ["row_after_end"] * bool(decoder.get("ends_at"))
