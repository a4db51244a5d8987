"""Which of two files is the later one, and what a delivery may take away: the cases of `later_files.yml`."""

import os
import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from string import Template

import pyarrow.parquet as pq
import pytest
import yaml

from connectors.landing import landed_path
from connectors.pull import pull_dataset
from connectors.zone import Zone
from ledger.batches import landed_batches
from ledger.settings import Settings
from ledger.store import open_ledger
from tests.declared import column, dataset_of, source_of

DAY, TIME = date(2025, 7, 1), 1_751_300_000
MONTHS = {"May": "2025-05-31", "June": "2025-06-30", "July": "2025-07-31"}
MANY = re.compile(r"(\d+)x ([\w-]+) (-?\d+)(?: \+(\d+))?")
ONE = re.compile(r"(L\d+) (\w+) (-?\d+)")


def loans_of(**said):
    """A dataset of loans; what is said of the request goes into it."""
    request = {one: said.pop(one) for one in ("order", "takes") if one in said}
    request |= {"folder": "nights", "pattern": "loans_*.csv"}
    kinds = {"loan": "varchar", "reported_on": "date", "amount": "bigint"}
    columns = [column(name, kind, required=True) for name, kind in kinds.items()]
    plain = {"source": "bank", "name": "loans", "load": "upsert", "key": ("loan", "reported_on"), "columns": columns}
    # Most of a dozen records change each night here, as files come and go.
    plain |= {"change": {"unwatched": "the nights of a test change everything"}}
    return dataset_of(**{**plain, "request": request, "decoder": {"kind": "csv"}, **said})


def lines_of(record):
    """The lines of CSV that a record of a case stands for."""
    if many := MANY.fullmatch(record):
        count, month, amount, start = many.groups()
        return [f"L{int(start or 0) + n:02d},{MONTHS.get(month, month)},{amount}" for n in range(int(count))]
    if one := ONE.fullmatch(record):
        return [f"{one[1]},{MONTHS[one[2]]},{one[3]}"]
    return [] if record == "none" else [record]


class Bank:
    """A bank's folder: files are put there with a time, and each night they are pulled."""

    def __init__(self, source, top, settings, ledger):
        self.source, self.folder, self.settings, self.ledger = source, top / "nights", settings, ledger
        self.folder.mkdir(parents=True)
        self.night = 0

    def put(self, name, minutes, *records):
        path = self.folder / name
        lines = ["loan,reported_on,amount", *(line for record in records for line in lines_of(record))]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.utime(path, (TIME + 60 * int(minutes),) * 2)

    def pull(self, said):
        dataset = loans_of(**said)
        source = self.source.model_copy(update={"name": "bank", "datasets": (dataset,)})
        self.night += 1
        as_of = DAY + timedelta(days=self.night)
        return pull_dataset(source, dataset, Zone(), self.settings, self.ledger, as_of)

    def stands(self):
        """(loan, day) -> amount of what is not deleted."""
        found = {}
        for batch in landed_batches(self.ledger, "bank", "loans", date.max):
            path = landed_path(self.settings.data_dir, "bank", "loans", batch["batch"])
            for row in pq.read_table(path, partitioning=None).to_pylist():
                found[row["loan"], str(row["reported_on"])] = None if row["_deleted"] else row["amount"]
        return {key: amount for key, amount in found.items() if amount is not None}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A bank that leaves its files in a folder."""
    monkeypatch.setenv("SHARE", str(tmp_path / "share"))
    source = source_of(loans_of(), driver="folder", connection={"path": {"env": "SHARE"}})
    settings = Settings(data_dir=tmp_path / "data", _env_file=None)
    return Bank(source, tmp_path / "share", settings, open_ledger(settings))


@pytest.fixture
def sftp(request):
    """One that leaves them on a server."""
    agency, sandbox = request.getfixturevalue("agency"), request.getfixturevalue("sandbox")
    source, _ = agency.dataset("talent.headcounts")
    found = Bank(source, sandbox.state / "sftp" / "talent", agency.settings, agency.ledger)
    yield found
    shutil.rmtree(found.folder)


def filled(told, words):
    """A part of a case with its words in it."""
    if isinstance(told, dict):
        return {filled(name, words): filled(one, words) for name, one in told.items()}
    if isinstance(told, list):
        return [filled(one, words) for one in told]
    return Template(told).safe_substitute(words) if isinstance(told, str) else told


def cases():
    text = Path(__file__).with_name("later_files.yml").read_text(encoding="utf-8")
    for case in yaml.safe_load(text):
        for words in case.get("for", [{}]):
            for where in ("folder", "sftp") if case.get("where") == "both" else ("folder",):
                name = "-".join([case["says"], *map(str, words.values()), where])
                yield pytest.param(where, filled(case, words), id=name)


@pytest.mark.parametrize(("where", "case"), list(cases()))
def test_night_after_night(request, where, case):
    bank = request.getfixturevalue(where)
    for night in case["nights"]:
        before = bank.stands()
        for name in night.get("gone", ()):
            (bank.folder / name).unlink()
        for name, other in night.get("moved", {}).items():
            (bank.folder / name).rename(bank.folder / other)
        for name, put in night.get("put", {}).items():
            bank.put(name, *put)
        pulled = bank.pull({**case.get("said", {}), **night.get("said", {})})
        stands, gives = bank.stands(), dict(night.get("gives", {}))
        told, counts = gives.pop("told", ()), gives.pop("counts", {})
        assert [part for part in told if part not in (pulled.message or "")] == [], pulled.message
        assert {name: (pulled.counts or {}).get(name, 0) for name in counts} == counts
        found = {
            "state": pulled.state,
            "whose": pulled.whose,
            "landed": pulled.rows_landed,
            "refused": pulled.rows_refused,
            "quiet": pulled.message is None,
            "stands": len(stands),
        }
        if gives.get("stands") == "same":
            found["stands"] = "same" if stands == before else stands
        elif isinstance(gives.get("stands"), dict):
            found["stands"] = {loan: amount for (loan, _), amount in stands.items()}
            assert {day for _, day in stands} == {MONTHS["June"]}
        assert {name: found[name] for name in gives} == gives, pulled.message
