"""The acceptance kit on a folder of files: the true driver, and memory measured in a process of its own."""

import pytest

from connectors.spec import Source
from sandbox.acceptance import CHECKS, make_trial, run_checks
from tests.unit.acceptance_agency import make_source


class FolderAgency:
    """Three CSV files of two leases each."""

    abilities = frozenset({"truth", "change", "wrong_secrets"})

    def __init__(self, folder) -> None:
        self.folder, self.env = folder, {"LAND_FOLDER": str(folder)}
        self.rows = [(f"L{n}", f"firm {n}") for n in range(6)]
        (folder / "out").mkdir(parents=True)
        for place in range(3):
            self.write(f"leases_{place}.csv", self.rows[2 * place : 2 * place + 2])

    def write(self, name, rows) -> None:
        lines = ["leaseNo,holder", *(",".join(row) for row in rows)]
        (self.folder / "out" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def truth(self, _source, _dataset):
        return [{"lease_no": number, "holder": holder} for number, holder in self.rows]

    def change(self, _source, _dataset, how) -> None:
        if how != "add":
            raise NotImplementedError("only additions")
        self.rows.append(("L9", "firm 9"))
        self.write("leases_9.csv", self.rows[-1:])


@pytest.fixture
def source() -> Source:
    columns = [
        {"name": "lease_no", "source_field": "leaseNo", "required": True, "data_type": "varchar"},
        {"name": "holder", "source_field": "holder", "data_type": "varchar"},
    ]
    files = {"folder": "out", "pattern": "leases_*.csv"}
    decoder = {"kind": "csv", "encoding": "utf-8"}
    told = make_source().model_dump()
    (dataset,) = told["datasets"]
    dataset |= {"request": files, "decoder": decoder, "columns": columns, "paginator": None, "load": "upsert"}
    changed = {"driver": "folder", "connection": {"path": {"env": "LAND_FOLDER"}}, "datasets": (dataset,)}
    return Source.model_validate({**told, **changed})


def test_a_folder_of_files_passes_every_check_that_applies(source, settings, tmp_path):
    trial = make_trial(source, FolderAgency(tmp_path / "share"), settings)
    results = {one.check: one for one in run_checks(trial, CHECKS)}
    assert {name: one.what for name, one in results.items() if one.state == "failed"} == {}
    assert results["memory_bounded"].state == results["wrong_address_told"].state == "passed"
    assert results["addition_arrives"].state == "passed"
    assert (
        results["page_order_irrelevant"].what == "leases: of two files the later one counts: here order has a meaning"
    )
