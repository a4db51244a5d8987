"""Unit tests open no socket: what needs one belongs under tests/contract or tests/e2e."""

from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket

from connectors.spec import Dataset
from ledger.settings import Settings


@pytest.fixture(autouse=True)
def _no_socket():
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", _env_file=None)


def column(name, data_type="varchar", **rules):
    return {"name": name, "data_type": data_type, "source_field": rules.pop("source_field", name), **rules}


@pytest.fixture
def make_dataset():
    """A dataset as a source file would declare it, with what a test wants changed."""

    def make(**changes) -> Dataset:
        fields = {
            "source": "tax",
            "name": "statements",
            "description": "one row per enterprise and year",
            "critical": False,
            "coverage": "partial",
            "load": "snapshot",
            "key": ("uscc", "fiscal_year"),
            "request": {"path": "/statements"},
            "paginator": {
                "kind": "page_number",
                "page_param": "page",
                "size_param": "size",
                "size": 2,
                "total": "total",
            },
            "decoder": {"kind": "json", "records": "items"},
            "volume": {"floor": 0, "ceiling": 100},
            "freshness": {"unwatched": "made for a test"},
            "continuity": {"unwatched": "made for a test"},
            "columns": (
                column("uscc", required=True, check="uscc"),
                column("fiscal_year", "integer", required=True),
                column("revenue_cny", "decimal(20, 2)", source_field="yysr"),
                column("staff_total", "bigint", min=0, max=3_000_000),
                column("sci_tech_staff", "bigint", min=0),
            ),
            **changes,
        }
        return Dataset.model_validate(fields)

    return make
