"""Files over SFTP: fetched once, never half, from the host we know; and left for a bank in the right order."""

import asyncssh
import pytest

from connectors.drivers.sftp import push
from connectors.errors import AgencyError
from connectors.sink_files import ExtractSink, read_sinks


@pytest.fixture
def outbox(sandbox):
    return sandbox.state / "sftp" / "talent" / "outbox"


@pytest.fixture
def inbox(sandbox):
    folder = sandbox.state / "sftp" / "bank_a" / "inbox"
    yield folder
    for path in folder.iterdir():
        path.unlink()


@pytest.fixture
def bank():
    (sink,) = [sink for sink in read_sinks() if isinstance(sink, ExtractSink)]
    return sink


def test_each_file_is_a_page_and_one_already_held_is_not_fetched_again(agency):
    pages = agency.pages("talent.headcounts")
    assert len(pages) == 42
    seen = frozenset(page.label for page in pages[:40])
    assert [page.label for page in agency.pages("talent.headcounts", seen=seen)] == [p.label for p in pages[40:]]


def test_a_file_put_again_with_other_content_is_fetched_again(agency, outbox):
    assert agency.pull("talent.headcounts").state == "landed"
    newest = sorted(outbox.glob("*.zip"))[-1]
    original = newest.read_bytes()
    newest.write_bytes(original[:100])
    broken = agency.pull("talent.headcounts")
    newest.write_bytes(original)
    mended = agency.pull("talent.headcounts")
    assert (broken.state, broken.whose) == ("failed", "data")
    assert newest.name in broken.message
    assert mended.state == "unchanged"


def test_another_host_key_than_the_pinned_one_stops_before_the_password_is_sent(agency, monkeypatch):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    monkeypatch.setenv("TALENT_SFTP_HOST_KEY", other)
    with pytest.raises(AgencyError, match="the host key is not the pinned one"):
        agency.pages("talent.headcounts")


def test_a_wrong_password_is_the_agencys_refusal_and_is_not_shown(agency, monkeypatch):
    monkeypatch.setenv("TALENT_SFTP_PASSWORD", "canary-password")
    with pytest.raises(AgencyError, match="the login was refused") as caught:
        agency.pages("talent.headcounts")
    assert "canary" not in str(caught.value)


def test_a_pushed_file_arrives_whole_under_its_name_and_a_repetition_writes_nothing(agency, bank, inbox):
    files = [("a.csv", b"rows"), ("a.csv.manifest.json", b"{}")]
    assert push(bank.connection, "inbox", files, "bank_a", agency.settings) == ["a.csv", "a.csv.manifest.json"]
    assert push(bank.connection, "inbox", files, "bank_a", agency.settings) == []
    assert sorted(path.name for path in inbox.iterdir()) == ["a.csv", "a.csv.manifest.json"]
    assert (inbox / "a.csv").read_bytes() == b"rows"


def test_a_push_broken_off_earlier_is_completed(agency, bank, inbox):
    (inbox / ".a.csv.part").write_bytes(b"ro")
    push(bank.connection, "inbox", [("a.csv", b"rows")], "bank_a", agency.settings)
    assert [path.name for path in inbox.iterdir()] == ["a.csv"]


def test_a_correction_of_one_loan_takes_no_day_of_a_banks_book_away(agency, sandbox):
    outbox = sandbox.state / "sftp" / "bank_a" / "outbox"
    assert agency.pull("bank_a.loans").state == "landed"
    newest = sorted(outbox.glob("loans_*.csv"))[-1]
    header, first, *_ = newest.read_text(encoding="utf-8").splitlines()
    amount = first.split(",")[header.split(",").index("放款金额")]
    correction = newest.with_name(newest.stem + "_2.csv")
    correction.write_text(f"{header}\n{first}\nTRAILER,1,{amount}\n", encoding="utf-8")
    try:
        pulled = agency.pull("bank_a.loans")
    finally:
        correction.unlink()
    assert (pulled.state, pulled.whose) == ("failed", "data")
    assert "records would be taken away, 30 % may go at once" in pulled.message
