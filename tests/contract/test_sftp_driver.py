"""Files over SFTP: fetched once, never half, from the host we know; and left for a bank in the right order."""

import os
import threading
import time

import asyncssh
import pytest

from connectors.drivers.pages import Ask
from connectors.drivers.sftp import pull, push
from connectors.errors import AgencyError, TransientError
from connectors.sink_files import ExtractSink, read_sinks
from connectors.spec import FileRequest


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


def test_names_that_do_not_match_the_pattern_are_left_alone(agency, outbox):
    (outbox / "notes.txt").write_text("not for us")
    (outbox / "headcount_dir.zip").mkdir()
    try:
        assert len(agency.pages("talent.headcounts")) == 42
    finally:
        (outbox / "notes.txt").unlink()
        (outbox / "headcount_dir.zip").rmdir()


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


@pytest.fixture
def stack(agency, sandbox):
    """An agency's folder of its own, and how to pull from it by a request of a source file."""
    folder = sandbox.state / "sftp" / "talent" / "stack"
    folder.mkdir()

    def pages(**request):
        source, dataset = agency.dataset("talent.headcounts")
        wanted = FileRequest.model_validate({"folder": "stack", "pattern": "*.csv", **request})
        changed = dataset.model_copy(update={"request": wanted})
        return pull(Ask(source, changed, agency.settings, None, None, frozenset()))

    yield folder, pages
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def logins(sandbox):
    journal = sandbox.state / "access.jsonl"
    return journal.read_text().count('"LOGIN"') if journal.exists() else 0


def test_one_connection_serves_a_whole_pull(agency, sandbox):
    before = logins(sandbox)
    assert len(agency.pages("talent.headcounts")) == 42
    assert logins(sandbox) == before + 1


def test_a_connection_that_breaks_in_mid_pull_is_made_anew(stack, monkeypatch):
    folder, pages = stack
    for name in ("a.csv", "b.csv"):
        (folder / name).write_bytes(name.encode())
    pulling = pages()
    assert next(pulling).body == b"a.csv"
    real, broken = asyncssh.SFTPClient.lstat, []

    async def breaks_once(self, path):
        if not broken:
            broken.append(path)
            raise asyncssh.SFTPConnectionLost("gone")
        return await real(self, path)

    monkeypatch.setattr(asyncssh.SFTPClient, "lstat", breaks_once)
    assert [page.body for page in pulling] == [b"b.csv"]
    assert broken


def test_a_file_still_growing_on_the_server_is_left_for_the_next_run(stack, caplog):
    folder, pages = stack
    (folder / "a.csv").write_bytes(b"1")
    (folder / "b.csv").write_bytes(b"1")
    done = threading.Event()

    def grow():
        while not done.is_set():
            with (folder / "b.csv").open("ab") as handle:
                handle.write(b"1")
            time.sleep(0.05)

    writer = threading.Thread(target=grow)
    writer.start()
    found = list(pages(ready={"kind": "stable_size", "seconds": 0.5}))
    done.set()
    writer.join()
    assert [page.label.partition(" ")[0] for page in found] == ["a.csv"]
    assert "b.csv is not whole yet" in caplog.text


def test_flags_and_manifests_count_on_a_server_too(stack):
    folder, pages = stack
    for name in ("a.csv", "a.csv.ok", "b.csv"):
        (folder / name).write_bytes(b"1")
    assert [page.label[:5] for page in pages(ready={"kind": "flag"})] == ["a.csv"]
    (folder / "sums").write_text("0" * 64 + "  gone.csv\n")
    with pytest.raises(TransientError, match=r"not there: gone\.csv"):
        list(pages(ready={"kind": "manifest", "pattern": "sums"}))


def test_a_link_is_not_followed_wherever_it_leads(stack, caplog):
    folder, pages = stack
    (folder / "a.csv").write_bytes(b"1")
    (folder / "b.csv").symlink_to("/etc/hostname")
    assert [page.body for page in pages()] == [b"1"]
    assert "b.csv (link) matches no pattern and is left" in caplog.text


def test_a_name_that_is_no_text_is_a_loud_stop_that_shows_it_plainly(stack):
    folder, pages = stack
    with open(os.path.join(os.fsencode(folder), b"\xb4\xfb.csv"), "wb"):  # noqa: PTH118, PTH123 - no Path holds it
        pass
    with pytest.raises(AgencyError, match="is not encoded in UTF-8") as caught:
        list(pages())
    assert str(caught.value).isascii()


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
