"""Return files reach the agencies they are for, over the SFTP that the agencies themselves serve."""

import csv
from dataclasses import replace

import pytest

from connectors.sink_files import read_sinks
from connectors.source_files import read_sources
from connectors.zone import Zone
from flows.night import Night
from flows.returns import compose_returns, send_returns
from ledger.publications import pending
from ledger.returns import return_rows
from ledger.tables import returns


@pytest.fixture
def folders(sandbox):
    homes = {name: sandbox.state / "sftp" / name / "returns" for name in ("bank_a", "bank_b", "talent")}
    yield homes
    for folder in homes.values():
        for path in folder.iterdir():
            path.unlink()


@pytest.fixture
def night(agency):
    """The night of three agencies whose deliveries are pulled and landed for real."""
    for address in ("bank_a.loans", "bank_b.loans", "talent.headcounts"):
        assert agency.pull(address).state == "landed"
    return Night(
        "run", agency.sandbox.as_of, agency.settings, agency.ledger, tuple(read_sources()), tuple(read_sinks()), Zone()
    )


def test_the_file_counts_every_record_and_answers_for_each_one_refused(night, folders):
    compose_returns(night)
    assert [line["state"] for line in send_returns(night)] == ["sent"] * 3
    for name, folder in folders.items():
        text = next(folder.glob("*.csv")).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines(keepends=True)))
        (total,) = [row for row in rows if row["类别 kind"] == "合计 total"]
        pages = [row for row in rows if row["类别 kind"] == "文件或页 page"]
        refused = {row["编号 record id"] for row in rows if row["类别 kind"] == "记录退回 record refused"}
        assert sum(int(page["收到 received"]) for page in pages) == int(total["收到 received"]), name
        parts = ("接受 accepted", "退回 refused", "重复 duplicates dropped")
        assert sum(int(total[part]) for part in parts) == int(total["收到 received"]), name
        assert len(refused) == int(total["退回 refused"]), name
        assert all(row["原因"] and row["what to do"] for row in rows if row["原因代码 reason code"])


def test_an_agency_that_is_down_gets_its_return_with_the_next_run(night, agency, folders):
    compose_returns(night)
    agency.faults({"kind": "login_refused", "source": "bank_a"})
    patient = replace(night, settings=night.settings.model_copy(update={"retry_seconds": 60.0}))
    states = {line["recipient"]: line["state"] for line in send_returns(patient)}
    assert states == {"bank_a_returns": "pending", "bank_b_returns": "sent", "talent_returns": "sent"}
    assert [row["source"] for row in pending(agency.ledger, returns)] == ["bank_a"]
    agency.faults()
    assert [line["state"] for line in send_returns(patient)] == ["sent"]
    assert len(list(folders["bank_a"].iterdir())) == 2
    assert {row["state"] for row in return_rows(agency.ledger)} == {"sent"}
