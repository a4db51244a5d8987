"""Real files of registers and tax offices land by YAML alone, and every refused record is counted with its reason.

The figures are held against another reader: the standard library's for CSV, and pyarrow's plain table for Parquet.
"""

import csv
import json
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from connectors.landing import landed_path
from connectors.pull import pull_dataset
from connectors.refusals import quarantine_path
from connectors.source_files import read_source
from connectors.zone import Zone
from ledger.settings import Settings
from ledger.store import open_ledger

pytestmark = pytest.mark.real

SOURCES = Path(__file__).with_name("sources")
DAY = date(2025, 6, 30)


class Land:
    """Pull the datasets of one source file into an installation of their own."""

    def __init__(self, name: str, data_dir: Path) -> None:
        self.source = read_source(SOURCES / f"{name}.yml")
        self.settings = Settings(data_dir=data_dir, _env_file=None)
        self.ledger = open_ledger(self.settings)
        self._pulled = {}

    def pull(self, name):
        """Once for all tests, in whatever order they come: a second pull would say unchanged."""
        if name not in self._pulled:
            dataset = self.source.dataset(name)
            self._pulled[name] = pull_dataset(self.source, dataset, Zone(), self.settings, self.ledger, DAY)
        return self._pulled[name]

    def rows(self, pulled):
        path = landed_path(self.settings.data_dir, pulled.source, pulled.dataset, pulled.batch)
        return pq.read_table(path, partitioning=None)

    def refused(self, pulled):
        path = quarantine_path(self.settings.data_dir, pulled.source, pulled.dataset, pulled.batch)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def events(real_data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDIT_EVENTS_FOLDER", str(real_data / "credit_events"))
        yield Land("credit_events", tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="module")
def invoices(real_data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SME_LOANS_FOLDER", str(real_data / "sme_loans"))
        yield Land("sme_loans", tmp_path_factory.mktemp("invoices"))


def read_csv(real_data, name, encoding):
    with (real_data / "credit_events" / name).open(encoding=encoding, newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def kept_and_refused(rows, key):
    """How many rows stand when copies are dropped and rows that contradict each other under one key are all refused."""
    by_key = defaultdict(set)
    for row in rows:
        by_key[row[:key]].add(row)
    return (
        sum(len(found) == 1 for found in by_key.values()),
        sum(len(found) for found in by_key.values() if len(found) > 1),
    )


@pytest.mark.parametrize(
    ("dataset", "file", "encoding", "key", "records"),
    [
        ("dishonesty", "8breakfaith.csv", "utf-8-sig", 2, 4_388),
        ("lawsuits", "7lawsuit.csv", "utf-8-sig", 2, 40_102),
        ("qualifications", "10qualification.csv", "gbk", 3, 6_693),
        ("bids_won", "6project.csv", "utf-8-sig", 2, 49_601),
        ("enterprises", "train.csv", "ascii", 1, 218_264),
    ],
)
def test_every_record_of_a_register_landed_or_is_refused_with_its_reason(
    events, real_data, dataset, file, encoding, key, records
):
    rows = read_csv(real_data, file, encoding)
    kept, contradicting = kept_and_refused(rows, key)
    pulled = events.pull(dataset)
    assert pulled.state == "landed", pulled.message
    assert (pulled.rows_received, len(rows)) == (records, records)
    assert (pulled.rows_landed, pulled.rows_refused) == (kept, contradicting)
    reasons = Counter(line["reason"] for line in events.refused(pulled) if line["action"] == "record_refused")
    assert reasons == ({"conflicting_key": contradicting} if contradicting else {})
    copies = (pulled.counts or {}).get("duplicate_delivery", 0)
    assert pulled.rows_landed + pulled.rows_refused + copies == records


def test_chinese_months_and_two_encodings_say_the_same_dates(events):
    told = events.rows(events.pull("qualifications"))
    assert pulled_note(events, "qualifications", "encoding:gbk")
    assert min(told["valid_from"].to_pylist()).day == 1
    assert pulled_note(events, "lawsuits", "encoding:utf-8")


def pulled_note(events, dataset, note):
    return (events.pull(dataset).counts or {}).get(note)


def test_an_amount_beyond_reason_is_discarded_and_its_case_stays(events, real_data):
    beyond = [row for row in read_csv(real_data, "7lawsuit.csv", "utf-8-sig") if float(row[3] or 0) > 1e11]
    pulled = events.pull("lawsuits")
    discarded = [line for line in events.refused(pulled) if line["action"] == "value_discarded"]
    assert len(beyond) == len({(line["raw_sha256"], line["position"]) for line in discarded}) > 0
    assert {line["reason"] for line in discarded} == {"out_of_range"}


@pytest.mark.parametrize(
    ("dataset", "file", "records"),
    [
        ("input_invoices", "input_invoices_123.parquet", 210_947),
        ("output_invoices", "output_invoices_123.parquet", 162_484),
    ],
)
def test_every_invoice_landed_once_or_is_refused_with_its_reason(invoices, real_data, dataset, file, records):
    table = pq.read_table(real_data / "sme_loans" / file)
    columns = [table[name].to_pylist() for name in table.column_names[:7]]
    rows = list(zip(*columns, [text.strip() for text in table["发票状态"].to_pylist()], strict=True))
    kept, contradicting = kept_and_refused(rows, 2)
    pulled = invoices.pull(dataset)
    assert pulled.state == "landed", pulled.message
    assert (pulled.rows_received, pulled.rows_landed, pulled.rows_refused) == (records, kept, contradicting)
    assert Counter(line["reason"] for line in invoices.refused(pulled)) == {"conflicting_key": contradicting}
    assert pulled.rows_landed + pulled.rows_refused + pulled.counts["duplicate_delivery"] == records


def test_the_sum_of_the_invoices_is_exact_to_the_fen(invoices, real_data):
    pulled = invoices.pull("output_invoices")
    landed = invoices.rows(pulled)
    table = pq.read_table(real_data / "sme_loans" / "output_invoices_123.parquet")
    fen = {
        (enterprise, number): round(amount * 100)
        for enterprise, number, amount in zip(
            table["企业代号"].to_pylist(), table["发票号码"].to_pylist(), table["金额"].to_pylist(), strict=True
        )
    }
    told = landed.select(["enterprise_no", "invoice_no", "amount_cny"]).to_pylist()
    assert all(int(row["amount_cny"] * 100) == fen[row["enterprise_no"], row["invoice_no"]] for row in told)
