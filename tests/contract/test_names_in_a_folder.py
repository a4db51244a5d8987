"""Every name in an agency's folder is taken, known or told, by both drivers; new bytes under a known label are seen."""

import hashlib
import os
import shutil
import unicodedata
from collections import Counter
from contextlib import nullcontext

import asyncssh
import pytest

from connectors.drivers import folder as local
from connectors.drivers import sftp
from connectors.drivers.pages import Ask
from connectors.errors import AgencyError, TransientError
from connectors.spec import FileRequest, FolderConnection

TIME = 1_751_300_000


@pytest.fixture(params=["folder", "sftp"])
def place(request, agency, sandbox, tmp_path, monkeypatch):
    """A folder of an agency, and how to pull from it: the pages, and what was met and not taken."""
    source, dataset = agency.dataset("talent.headcounts")
    top = tmp_path / "share" if request.param == "folder" else sandbox.state / "sftp" / "talent"
    folder = top / "names"
    folder.mkdir(parents=True)
    pull = sftp.pull
    if request.param == "folder":
        monkeypatch.setenv("SHARE", str(top))
        connection = FolderConnection.model_validate({"path": {"env": "SHARE"}})
        source, pull = source.model_copy(update={"driver": "folder", "connection": connection}), local.pull

    def of(held=None, load="upsert", siblings=(), **wanted):
        def changed(name, **more):
            file_request = FileRequest.model_validate({"folder": "names", "pattern": "loans_*.csv", **more})
            return dataset.model_copy(update={"name": name, "request": file_request, "load": load})

        ours = changed("ours", **wanted)
        whole = (ours, *(changed(f"other_{place}", pattern=one) for place, one in enumerate(siblings)))
        held = held or {}
        notes = Counter()
        changed_source = source.model_copy(update={"datasets": whole})
        ask = Ask(changed_source, ours, agency.settings, None, None, frozenset(held), held=held, notes=notes)
        return list(pull(ask)), dict(notes)

    yield folder, of
    shutil.rmtree(folder)


def put(folder, name, content=b"no\n1\n", moment=TIME):
    path = os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else name.encode())  # noqa: PTH118
    with open(path, "wb") as handle:  # noqa: PTH123 - no Path holds every name
        handle.write(content)
    os.utime(path, (moment, moment))


NFD = unicodedata.normalize("NFD", "crédits_20250630.csv")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("LOANS_20250630.CSV", "loans_*.csv"),
        ("Loans_20250630.Csv", "loans_*.csv"),
        ("jj_20250630.TXT", "JJ_*.txt"),
        ("\uff4c\uff4f\uff41\uff4e\uff53_20250630.csv", "loans_*.csv"),
        ("loans_\uff12\uff10\uff12\uff15.csv ", "loans_2025.csv"),
        (NFD, unicodedata.normalize("NFC", "crédits_*.csv")),
        (unicodedata.normalize("NFC", NFD), unicodedata.normalize("NFD", "crédits_*.csv")),
        ("\u8d37\u6b3e\uff08\u66f4\u6b63\uff09_1.csv", "\u8d37\u6b3e(\u66f4\u6b63)_*.csv"),
    ],
)
def test_a_name_in_another_case_or_form_is_taken_and_counted(place, name, pattern):
    folder, pull = place
    put(folder, name)
    pages, notes = pull(pattern=pattern)
    assert [page.body for page in pages] == [b"no\n1\n"]
    assert notes == {f"other_form_of_name:{name}": 1}


@pytest.mark.parametrize(
    "name",
    [
        "loans_20250630.txt",
        "loans_20250630.xlsx",
        "loans_20250630.csv.gz",
        "loans_20250630.zip",
        "loans_20250630",
        "LOANS_20250630.TXT",
        "loans_20250630.csv.pgp",
        "loans_20250630.csv(1)",
    ],
)
@pytest.mark.parametrize("before", [(), ("loans_20250531.csv",)])
def test_a_name_with_another_ending_stops_the_dataset_and_is_told(place, name, before):
    folder, pull = place
    for one in (*before, name):
        put(folder, one)
    with pytest.raises(AgencyError, match="with another ending") as caught:
        pull()
    assert name.partition(".")[0] in str(caught.value)
    assert len(pull(ignore=[name])[0]) == len(before)


def test_what_stands_beside_a_file_of_ours_under_its_name_is_only_told(place):
    folder, pull = place
    for name in ("loans_20250630.csv", "loans_20250630.csv.md5", "loans_20250630.pdf", "loans_20250630.csv.sig"):
        put(folder, name)
    pages, notes = pull()
    assert len(pages) == 1
    assert sorted(notes) == [
        f"unmatched:loans_20250630.{one}" for one in ("csv.md5", "csv.sig", "pdf")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["loans_20250531.csv.md5", "loans_20250531.log", "loans_20250430.csv.gpg", "loans_20250430.csv.bak"]
)
@pytest.mark.parametrize("later", [(), ("loans_20250630.csv",)])
def test_what_was_left_of_earlier_files_is_only_told(place, name, later):
    folder, pull = place
    put(folder, "loans_20250531.csv")
    held = held_of(pull()[0])
    for one in (*later, name):
        put(folder, one)
    if later or name.startswith("loans_20250531.csv"):
        (folder / "loans_20250531.csv").unlink()
    pages, notes = pull(held)
    assert (len(pages), notes) == (len(later), {f"unmatched:{name}": 1})


def test_a_file_with_another_ending_in_the_place_of_one_that_is_held_and_gone_stops_the_dataset(place):
    folder, pull = place
    put(folder, "loans.csv")
    held = held_of(pull(pattern="loans.csv")[0])
    (folder / "loans.csv").rename(folder / "loans.txt")
    with pytest.raises(AgencyError, match=r"loans\.txt looks like a file of loans\.csv with another ending"):
        pull(held, pattern="loans.csv")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("\u8bf4\u660e.docx", "\u8bf4\u660e.docx"),
        ("loans_readme.txt", "loans_readme.txt"),
        ("copy of loans_20250630.csv", "copy of loans_20250630.csv"),
        ("loans_20250630.csv.part", "loans_20250630.csv.part"),
        ("loans_20250630.csv.filepart", "loans_20250630.csv.filepart"),
        ("~$loans_20250630.csv", "~$loans_20250630.csv"),
        (".loans_20250630.csv.Xa81f", ".loans_20250630.csv.Xa81f"),
        ("note\n.txt", "note\\n.txt"),
        (b"\xb4\xfb.txt", "\\udcb4\\udcfb.txt"),
    ],
)
def test_any_other_name_is_told_as_printable_text_and_the_rest_is_taken(place, name, told):
    folder, pull = place
    put(folder, "loans_20250531.csv")
    put(folder, name)
    pages, notes = pull()
    assert len(pages) == 1
    assert notes == {f"unmatched:{told}": 1}


def test_folders_links_and_pipes_are_told_as_what_they_are(place):
    folder, pull = place
    (folder / "2025").mkdir()
    put(folder / "2025", "loans_20250630.csv")
    (folder / "loans_dir.csv").mkdir()
    (folder / "loans_link.csv").symlink_to("/etc/hostname")
    os.mkfifo(folder / "loans_pipe.csv")
    pages, notes = pull()
    assert pages == []
    assert sorted(notes) == [
        "unmatched:2025 (folder)",
        "unmatched:loans_dir.csv (folder)",
        "unmatched:loans_link.csv (link)",
        "unmatched:loans_pipe.csv (other)",
    ]


def test_a_name_of_ours_in_bytes_of_gb18030_stops_the_dataset(place):
    folder, pull = place
    put(folder, "\u8d37\u6b3e_20250630.csv".encode("gb18030"))
    with pytest.raises(AgencyError, match="is not encoded in UTF-8") as caught:
        pull(pattern="\u8d37\u6b3e_*.csv")
    assert str(caught.value).isascii()


def test_what_is_ignored_or_of_another_dataset_or_says_what_is_whole_is_known(place):
    folder, pull = place
    for name in ("loans_1.csv", "loans_1.csv.ok", "persons_1.zip", "PERSONS_2.ZIP", "archive.log"):
        put(folder, name)
    pages, notes = pull(ready={"kind": "flag"}, ignore=["*.log"], siblings=["persons_*.zip"])
    assert (len(pages), notes) == (1, {})


def test_a_file_that_only_letter_case_tells_from_a_sibling_is_the_siblings(place):
    folder, pull = place
    put(folder, "LOANS_1.csv")
    assert pull(siblings=["LOANS_*.csv"]) == ([], {})


def test_a_snapshot_whose_file_is_not_there_is_no_empty_snapshot(place):
    _, pull = place
    with pytest.raises(AgencyError, match=r"there is no file loans_\*\.csv"):
        pull(load="snapshot")


def held_of(pages):
    return {page.label: hashlib.sha256(page.body).hexdigest() for page in pages}


def test_other_bytes_under_the_same_name_size_and_time_are_fetched(place):
    folder, pull = place
    put(folder, "loans_1.csv", b"no\n1\n")
    put(folder, "loans_2.csv", b"no\n1\n")
    held = held_of(pull()[0])
    assert pull(held)[0] == []
    put(folder, "loans_1.csv", b"no\n9\n")
    assert [page.body for page in pull(held)[0]] == [b"no\n9\n"]


def test_beyond_the_bytes_that_are_read_again_the_label_decides_newest_first(place, monkeypatch):
    folder, pull = place
    for day in (1, 2, 3):
        put(folder, f"loans_{day}.csv", b"no\n1\n", TIME + day)
    held = held_of(pull()[0])
    for day in (1, 2, 3):
        put(folder, f"loans_{day}.csv", b"no\n9\n", TIME + day)
    monkeypatch.setattr("connectors.drivers.files.READ_AGAIN_BYTES", 10)
    assert [page.label.partition(" ")[0] for page in pull(held)[0]] == ["loans_3.csv", "loans_2.csv"]


def test_a_file_held_under_a_label_of_whole_seconds_is_known_though_the_server_tells_more(place):
    folder, pull = place
    put(folder, "loans_1.csv", moment=TIME + 0.25)
    (page,) = pull()[0]
    old = f"loans_1.csv (5 bytes, {TIME})"
    assert pull({old: hashlib.sha256(page.body).hexdigest()})[0] == []


@pytest.mark.parametrize("left_out", ["type", "all"])
def test_a_server_that_leaves_out_types_or_sizes_in_its_listing_is_read_all_the_same(place, monkeypatch, left_out):
    folder, pull = place
    put(folder, "loans_1.csv")
    (folder / "2025").mkdir()
    real = asyncssh.SFTPClient.readdir

    async def bare(self, path="."):
        entries = await real(self, path)
        for entry in entries:
            kept = {} if left_out == "all" else {"size": entry.attrs.size, "mtime": entry.attrs.mtime}
            entry.attrs = asyncssh.SFTPAttrs(**kept)
        return entries

    monkeypatch.setattr(asyncssh.SFTPClient, "readdir", bare)
    pages, notes = pull()
    assert [page.label for page in pages] == [f"loans_1.csv (5 bytes, {TIME})"]
    assert notes == {"unmatched:2025 (folder)": 1}


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_a_server_that_tells_other_sizes_than_it_gives_is_named_as_that(place, monkeypatch):
    folder, pull = place
    put(folder, "loans_1.csv")
    listed, looked_at = asyncssh.SFTPClient.readdir, asyncssh.SFTPClient.lstat

    async def readdir(self, path="."):
        entries = await listed(self, path)
        for entry in entries:
            entry.attrs.size = 0
        return entries

    async def lstat(self, *path):
        attrs = await looked_at(self, *path)
        attrs.size = 0
        return attrs

    monkeypatch.setattr(asyncssh.SFTPClient, "readdir", readdir)
    monkeypatch.setattr(asyncssh.SFTPClient, "lstat", lstat)
    with pytest.raises(AgencyError, match=r"loans_1.csv has 0 bytes, and gives 5: whether it is whole cannot be told"):
        pull()


def test_a_file_that_may_not_be_read_stops_where_it_is_new_and_is_told_where_it_is_held(place, monkeypatch):
    folder, pull = place
    put(folder, "loans_1.csv")
    held = held_of(pull()[0])
    real = os.open

    def local_denied(path, *more, **said):
        if str(path).endswith("loans_1.csv"):
            raise PermissionError(13, "Permission denied")
        return real(path, *more, **said)

    def denied(*_, **__):
        raise asyncssh.SFTPPermissionDenied("no")

    monkeypatch.setattr("connectors.drivers.folder.os.open", local_denied)
    monkeypatch.setattr(asyncssh.SFTPClient, "open", denied)
    with pytest.raises(AgencyError):
        pull()
    assert pull(held) == ([], {"unreadable:loans_1.csv": 1})


def test_an_empty_folder_and_an_empty_file_are_told(place):
    folder, pull = place
    assert pull() == ([], {"empty_folder": 1})
    put(folder, "loans_1.csv", b"")
    assert pull()[1] == {"empty_file:loans_1.csv": 1}


def test_of_many_names_that_match_nothing_some_are_told_and_all_are_counted(place):
    folder, pull = place
    for number in range(25):
        put(folder, f"note_{number:02d}.txt")
    notes = pull()[1]
    assert (len(notes), sum(notes.values()), notes["unmatched:others"]) == (21, 25, 5)


@pytest.mark.parametrize(
    ("name", "pattern", "is_taken"),
    [
        ("~$loans_1.csv", "*.csv", False),
        ("._loans_1.csv", "*.csv", False),
        (".~lock.loans_1.csv#", "*", False),
        ("loans_1.csv.PART", "*", False),
        ("loans_1.tmp", "loans_*", False),
        ("loans_1.tmp", "loans_*.tmp", True),
        ("~loans_1.csv", "*.csv", True),
        ("_loans_1.csv", "*.csv", True),
        (".loans_1.csv", "*.csv", True),
    ],
)
def test_what_a_program_keeps_beside_a_file_is_told_and_never_taken(place, name, pattern, is_taken):
    folder, pull = place
    put(folder, name)
    pages, notes = pull(pattern=pattern)
    assert (len(pages), notes) == ((1, {}) if is_taken else (0, {f"unmatched:{name}": 1}))


@pytest.mark.parametrize(("flag", "is_whole"), [(-86_400, False), (-1, False), (0, True), (5, True)])
def test_a_flag_older_than_its_file_is_that_of_the_file_before(place, flag, is_whole):
    folder, pull = place
    put(folder, "loans_1.csv")
    put(folder, "loans_1.csv.ok", b"", TIME + flag)
    with nullcontext() if is_whole else pytest.raises(TransientError, match="not every file is whole yet: loans_1"):
        assert len(pull(ready={"kind": "flag"})[0]) == 1
