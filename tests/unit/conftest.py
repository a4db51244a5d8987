"""Unit tests open no socket: what needs one belongs under tests/contract or tests/e2e."""

import json
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket

from connectors.decoders.decode import decode
from connectors.drivers.pages import Page
from connectors.landing import Delivery
from connectors.raw import keep_raw
from connectors.spec import Dataset
from connectors.zone import Zone
from ledger.batches import close_batch, open_batch, record_page
from ledger.settings import Settings
from ledger.store import open_ledger
from tests.declared import column, dataset_of

DAY = date(2025, 6, 30)


@pytest.fixture(autouse=True)
def _no_socket():
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", _env_file=None)


@pytest.fixture
def make_dataset():
    """A dataset as a source file would declare it, with what a test wants changed."""

    def make(**changes) -> Dataset:
        columns = (
            column("uscc", required=True, check="uscc"),
            column("fiscal_year", "integer", required=True),
            column("revenue_cny", "decimal(20, 2)", source_field="yysr"),
            column("staff_total", "bigint", min=0, max=3_000_000),
            column("sci_tech_staff", "bigint", min=0),
        )
        paging = {"kind": "page_number", "page_param": "page", "size_param": "size", "size": 2, "total": "total"}
        asked = {"request": {"path": "/statements"}, "paginator": paging, "volume": {"floor": 0, "ceiling": 100}}
        return dataset_of(**{"key": ("uscc", "fiscal_year"), "columns": columns, **asked, **changes})

    return make


LOANS = {
    "request": {"folder": "outbox", "pattern": "*"},
    "paginator": None,
    "key": ("receipt",),
    "columns": (column("receipt", required=True), column("amount_cny", "decimal(20, 2)")),
}
"""A dataset of files of two columns."""


@pytest.fixture
def read_body(make_dataset):
    """Decode a body by a decoder of a source file and answer all chunks."""

    def of(body: bytes, answer=None, **decoder):
        return list(decode(make_dataset(**LOANS, decoder=decoder), "loans.x", body, answer))

    return of


@pytest.fixture
def ledger(settings):
    return open_ledger(settings)


def land(settings, ledger, dataset, bodies, day=DAY):
    """Land one delivery given as the bytes of its pages; answers the batch and the ledger's values."""
    key, _ = open_batch(ledger, dataset.source, dataset.name, day, "spec", None)
    raw = []
    for sequence, body in enumerate(bodies, start=1):
        sha256 = keep_raw(settings.data_dir, body)
        record_page(ledger, key, sequence, f"page {sequence}", sha256, len(body), None)
        raw.append(Page(f"page {sequence}", body, sequence=sequence, sha256=sha256))
    delivery = Delivery(dataset, Zone(), settings, ledger, key, day)
    try:
        delivery.read(raw)
        return key, delivery.promote()
    except Exception as error:
        close_batch(ledger, key, "refused", error=str(error))
        raise
    finally:
        delivery.clear()


@pytest.fixture
def land_pages(settings, ledger):
    return partial(land, settings, ledger)


@pytest.fixture
def deliver(land_pages):
    """Land one delivery of records as the agency would give them; answers the batch and the ledger's values."""

    def one_delivery(dataset, *items, day=DAY, pages=None):
        return land_pages(dataset, [json.dumps({"items": page}).encode() for page in pages or [items]], day)

    return one_delivery
