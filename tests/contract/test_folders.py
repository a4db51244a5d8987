"""An agency's folder, on this machine and over SFTP: each file once, when it is whole, and every name taken or told."""

import hashlib
import json
import os
import time
import unicodedata
from collections import Counter
from contextlib import ExitStack, nullcontext

import asyncssh
import pytest

from connectors.drivers import folder as local
from connectors.drivers import sftp
from connectors.drivers.pages import Ask
from connectors.errors import AgencyError, ConfigError, DataError, TransientError
from ledger.settings import Settings
from tests.contract.small_agency import SMALL
from tests.contract.small_sftp import connection_of, serve
from tests.declared import dataset_of, source_of

TIME = 1_751_300_000
local_only = pytest.mark.parametrize("place", ["folder"], indirect=True)


@pytest.fixture(params=["folder", "sftp"])
def place(request, tmp_path, monkeypatch):
    """A folder, and how to pull from it: the pages, and what was met and not taken."""
    driver, box = request.param, tmp_path / "box"
    connection = {"path": {"env": "SMALL_FOLDER"}} if driver == "folder" else connection_of().model_dump()
    monkeypatch.setenv("SMALL_FOLDER", str(tmp_path))
    box.mkdir()

    def pull(held=None, load="upsert", siblings=(), seen=(), retry_seconds=30, **wanted):
        def dataset(name, **more):
            files = {"folder": "box", "pattern": "loans_*.csv", **more}
            form = {"name": name, "load": load, "decoder": {"kind": "csv"}, "request": files}
            return dataset_of(**{**SMALL, **form})

        datasets = [dataset("ours", **wanted)]
        datasets += [dataset(f"other_{number}", pattern=one) for number, one in enumerate(siblings)]
        source = source_of(*datasets, driver=driver, connection=connection)
        held, notes = held or {}, Counter()
        settings = Settings(data_dir=tmp_path / "data", retry_seconds=retry_seconds, _env_file=None)
        ask = Ask(source, source.datasets[0], settings, None, None, frozenset([*held, *seen]), held=held, notes=notes)
        return list((local if driver == "folder" else sftp).pull(ask)), dict(notes)

    with ExitStack() as stack:
        if driver == "sftp":
            for name, value in stack.enter_context(serve(tmp_path)).items():
                monkeypatch.setenv(name, value)
        yield box, pull


def put(folder, name, content=b"no\n1\n", moment=TIME):
    path = os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else name.encode())  # noqa: PTH118
    with open(path, "wb") as handle:  # noqa: PTH123 - no Path holds every name
        handle.write(content)
    os.utime(path, (moment, moment))


def held_of(pages):
    return {page.label: hashlib.sha256(page.body).hexdigest() for page in pages}


def names(pages):
    return [page.label.partition(" ")[0] for page in pages]


def test_each_file_is_a_page_and_one_already_held_is_left_until_it_is_put_again(place):
    folder, pull = place
    for name in ("loans_2.csv", "loans_1.csv", "note.txt"):
        put(folder, name)
    found, _ = pull()
    assert [page.label for page in found] == [f"loans_{number}.csv (5 bytes, {TIME})" for number in (1, 2)]
    assert [page.next_cursor for page in found] == [{"after": found[0].label}, None]
    assert all(len(json.dumps(page.next_cursor)) < 2048 for page in found)
    assert names(pull(held_of(found[:1]))[0]) == ["loans_2.csv"]
    put(folder, "loans_1.csv", b"no\n1\n2\n")
    assert [page.body for page in pull(held_of(found))[0]] == [b"no\n1\n2\n"]


def test_other_bytes_under_the_same_name_size_and_time_are_fetched_as_far_as_we_read_again(place, monkeypatch):
    folder, pull = place
    for day in (1, 2, 3):
        put(folder, f"loans_{day}.csv", moment=TIME + day)
    held = held_of(pull()[0])
    assert pull(held)[0] == []
    for day in (1, 2, 3):
        put(folder, f"loans_{day}.csv", b"no\n9\n", TIME + day)
    monkeypatch.setattr("connectors.drivers.files.READ_AGAIN_BYTES", 10)
    assert names(pull(held)[0]) == ["loans_3.csv", "loans_2.csv"]


def test_a_file_held_under_a_label_of_whole_seconds_is_known_though_the_server_tells_more(place):
    folder, pull = place
    put(folder, "loans_1.csv", moment=TIME + 0.25)
    assert pull({f"loans_1.csv (5 bytes, {TIME})": hashlib.sha256(b"no\n1\n").hexdigest()})[0] == []


def test_a_snapshot_whose_file_is_not_there_is_no_empty_snapshot(place):
    with pytest.raises(AgencyError, match=r"there is no file loans_\*\.csv"):
        place[1](load="snapshot")


def test_an_empty_folder_and_an_empty_file_are_told(place):
    folder, pull = place
    assert pull() == ([], {"empty_folder": 1})
    put(folder, "loans_1.csv", b"")
    assert pull()[1] == {"empty_file:loans_1.csv": 1}


def test_a_file_still_growing_is_left_for_the_next_run_and_nothing_new_is_not_waited_for(place, caplog, monkeypatch):
    folder, pull = place
    for name in ("loans_1.csv", "loans_2.csv"):
        put(folder, name)
    grow = [lambda: put(folder, "loans_2.csv", b"no\n1\n2\n")]
    monkeypatch.setattr("connectors.drivers.files.time.sleep", lambda _: grow.pop()())
    ready = {"kind": "stable_size", "seconds": 30}
    found = pull(ready=ready)[0]
    assert names(found) == ["loans_1.csv"]
    assert "loans_2.csv is not whole yet and is left for the next run" in caplog.text
    (folder / "loans_2.csv").unlink()
    assert pull(held_of(found), ready=ready)[0] == []


@pytest.mark.parametrize(("flag", "is_whole"), [(None, False), (-86_400, False), (-1, False), (0, True), (5, True)])
def test_a_file_is_whole_once_a_flag_no_older_than_it_stands_beside_it(place, flag, is_whole):
    folder, pull = place
    put(folder, "loans_1.csv")
    if flag is not None:
        put(folder, "loans_1.csv.ok", b"", TIME + flag)
    told = r"not every file is whole yet: loans_1\.csv; its flag would be loans_1\.csv\.ok\."
    with nullcontext() if is_whole else pytest.raises(TransientError, match=told):
        assert names(pull(pattern="*", ready={"kind": "flag"})[0]) == ["loans_1.csv"]


MANIFEST = {"pattern": "*", "ready": {"kind": "manifest", "pattern": "SHA256SUMS*"}}


def manifest(folder, **files):
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}.csv" for name, content in files.items()]
    put(folder, "SHA256SUMS", "\n".join(lines).encode() + b"\n")


def test_a_file_is_fetched_once_a_manifest_names_it_and_its_hash_is_right(place):
    folder, pull = place
    put(folder, "a.csv", b"1")
    put(folder, "b.csv", b"2")
    manifest(folder, a=b"1")
    assert [page.body for page in pull(**MANIFEST)[0]] == [b"1"]
    manifest(folder, a=b"2")
    with pytest.raises(DataError, match=r"a\.csv is not the file that the manifest names"):
        pull(**MANIFEST)
    manifest(folder, a=b"1", c=b"3")
    with pytest.raises(TransientError, match=r"names a file that is not there: c\.csv"):
        pull(**MANIFEST)
    assert len(pull(seen=["c.csv (1 bytes, 5)"], **MANIFEST)[0]) == 1


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (b"no hash\n", DataError, "no hash and name in line 1"),
        (b"\xff\xfe", DataError, "is not UTF-8"),
        (b"0" * 64 + b"  ../../etc/passwd\n", AgencyError, "is no plain name"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_a_loud_stop(place, content, error, told):
    folder, pull = place
    put(folder, "a.csv")
    put(folder, "SHA256SUMS", content)
    with pytest.raises(error, match=told):
        pull(**MANIFEST)


NFD, NFC = (unicodedata.normalize(form, "crédits_20250630.csv") for form in ("NFD", "NFC"))


OTHER_FORMS = {
    "LOANS_20250630.CSV": "loans_*.csv",
    "jj_20250630.TXT": "JJ_*.txt",
    "\uff4c\uff4f\uff41\uff4e\uff53_20250630.csv": "loans_*.csv",
    "loans_\uff12\uff10\uff12\uff15.csv ": "loans_2025.csv",
    NFD: unicodedata.normalize("NFC", "crédits_*.csv"),
    NFC: unicodedata.normalize("NFD", "crédits_*.csv"),
    "\u8d37\u6b3e\uff08\u66f4\u6b63\uff09_1.csv": "\u8d37\u6b3e(\u66f4\u6b63)_*.csv",
}
ENDINGS = ["loans_2.txt", "loans_2.csv.gz", "loans_2", "LOANS_2.TXT", "loans_2.csv.pgp", "loans_2.csv(1)"]
OTHERS = {
    "\u8bf4\u660e.docx": "\u8bf4\u660e.docx",
    "loans_readme.txt": "loans_readme.txt",
    "copy of loans_20250630.csv": "copy of loans_20250630.csv",
    "loans_20250630.csv.filepart": "loans_20250630.csv.filepart",
    ".loans_20250630.csv.Xa81f": ".loans_20250630.csv.Xa81f",
    "note\n.txt": "note\\n.txt",
    b"\xb4\xfb.txt": "\\udcb4\\udcfb.txt",
}
SCRATCH = {"~$loans_1.csv": "*.csv", "._loans_1.csv": "*.csv", ".~lock.loans_1.csv#": "*", "loans_1.csv.PART": "*"}
OURS = [("loans_1.tmp", "loans_*.tmp"), ("~loans_1.csv", "*.csv"), ("_loans_1.csv", "*.csv"), (".loans_1.csv", "*.csv")]
MAY, JUNE = "loans_20250531.csv", "loans_20250630.csv"
NAMES = [
    # What was held, what lies there now, what is asked for; then how many are new and what is told, or why it stops.
    *(((), [name], {"pattern": pattern}, (1, [f"other_form_of_name:{name}"])) for name, pattern in OTHER_FORMS.items()),
    *(((), [*before, name], {}, "with another ending") for name in ENDINGS for before in ([], ["loans_1.csv"])),
    *(((), [*before, name], {"ignore": [name]}, (len(before), [])) for name in ENDINGS for before in ([], [MAY])),
    (["loans.csv"], ["loans.txt"], {"pattern": "loans.csv"}, r"loans\.txt looks like a file of loans\.csv"),
    *(((), [JUNE, f"loans_20250630.{end}"], {}, (1, [f"unmatched:loans_20250630.{end}"]))
      for end in ("csv.md5", "csv.sig", "pdf")),
    *(([MAY], [*later, f"{MAY}.md5"], {}, (len(later), [f"unmatched:{MAY}.md5"])) for later in ([], [JUNE])),
    *(([MAY], [MAY, *later, name], {}, (len(later), [f"unmatched:{name}"]))
      for later in ([], [JUNE]) for name in ("loans_20250531.log", "loans_20250430.csv.gpg")),
    *(((), [MAY, name], {}, (1, [f"unmatched:{told}"])) for name, told in OTHERS.items()),
    *(((), [name], {"pattern": pattern}, (0, [f"unmatched:{name}"])) for name, pattern in SCRATCH.items()),
    ((), ["loans_1.tmp"], {"pattern": "loans_*"}, (0, ["unmatched:loans_1.tmp"])),
    *(((), [name], {"pattern": pattern}, (1, [])) for name, pattern in OURS),
    ((), ["loans_1.csv", "loans_1.csv.ok", "persons_1.zip", "PERSONS_2.ZIP", "archive.log"],
     {"ready": {"kind": "flag"}, "ignore": ["*.log"], "siblings": ["persons_*.zip"]}, (1, [])),
    ((), ["LOANS_1.csv"], {"siblings": ["LOANS_*.csv"]}, (0, [])),
]  # fmt: skip


@pytest.mark.parametrize(("held", "there", "wanted", "told"), NAMES)
def test_every_name_is_taken_or_told_or_a_stop(place, held, there, wanted, told):
    folder, pull = place
    for name in held:
        put(folder, name)
    known = held_of(pull(**wanted)[0]) if held else {}
    for name in set(held) - set(there):
        (folder / name).unlink()
    for name in there:
        put(folder, name)
    if isinstance(told, str):
        with pytest.raises(AgencyError, match=told) as caught:
            pull(known, **wanted)
        assert there[-1].partition(".")[0] in str(caught.value)
        return
    pages, notes = pull(known, **wanted)
    assert [page.body for page in pages] == [b"no\n1\n"] * told[0]
    assert notes == dict.fromkeys(told[1], 1)


def test_folders_links_and_pipes_are_told_as_what_they_are(place):
    folder, pull = place
    (folder / "2025").mkdir()
    put(folder / "2025", "loans_20250630.csv")
    (folder / "loans_dir.csv").mkdir()
    (folder / "loans_link.csv").symlink_to("/etc/hostname")
    os.mkfifo(folder / "loans_pipe.csv")
    pages, notes = pull()
    kinds = ["2025 (folder)", "loans_dir.csv (folder)", "loans_link.csv (link)", "loans_pipe.csv (other)"]
    assert (pages, sorted(notes)) == ([], [f"unmatched:{one}" for one in kinds])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("\u8d37\u6b3e_20250630.csv".encode("gb18030"), "is not encoded in UTF-8"),
        (b"\xb4\xfb.csv", "is not encoded in UTF-8"),
        (b"a\n.csv", "is no plain name"),
        (b"a\x1b[31m.csv", "is no plain name"),
        ("a\u202e.csv".encode(), "is no plain name"),
        (b"a\\b.csv", "is no plain name"),
    ],
)
def test_a_name_of_ours_that_cannot_be_trusted_is_a_loud_stop_that_shows_it_plainly(place, name, told):
    folder, pull = place
    put(folder, name)
    with pytest.raises(AgencyError, match=told) as caught:
        pull(pattern="*.csv")
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


def test_of_many_names_that_match_nothing_some_are_told_and_all_are_counted(place):
    folder, pull = place
    for number in range(25):
        put(folder, f"note_{number:02d}.txt")
    notes = pull()[1]
    assert (len(notes), sum(notes.values()), notes["unmatched:others"]) == (21, 25, 5)


def test_a_file_larger_than_allowed_is_refused_before_it_is_read(place, monkeypatch):
    folder, pull = place
    monkeypatch.setattr("connectors.drivers.files.MAX_BODY_BYTES", 3)
    put(folder, "loans_1.csv")
    with pytest.raises(DataError, match="larger than 3 bytes"):
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


@local_only
def test_a_folder_is_one_below_the_share_and_a_link_is_followed_inside_it_alone(place, tmp_path, monkeypatch):
    folder, pull = place
    put(tmp_path, "secret.csv")
    (folder / "loans_out.csv").symlink_to(tmp_path / "secret.csv")
    put(folder, "loans_1.csv")
    (folder / "loans_in.csv").symlink_to(folder / "loans_1.csv")
    pages, notes = pull(folder="box")
    assert (names(pages), notes) == (["loans_1.csv", "loans_in.csv"], {"unmatched:loans_out.csv (link)": 1})
    for outside in ("..", "box/../..", "/etc"):
        with pytest.raises(ConfigError, match="leads out of SMALL_FOLDER"):
            pull(folder=outside)
    with pytest.raises(AgencyError, match="there is no folder 2026"):
        pull(folder="2026")
    (folder / "away").symlink_to("/etc")
    with pytest.raises(AgencyError, match="a link that leads out"):
        pull(folder="box/away")
    monkeypatch.setenv("SMALL_FOLDER", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="SMALL_FOLDER is no folder of this machine"):
        pull()


@local_only
def test_a_share_whose_server_is_away_is_not_waited_for(place, monkeypatch):
    """Stands in for a mount that never answers: a real one would need a kernel that can be told to make one."""
    monkeypatch.setattr("connectors.drivers.folder.os.scandir", lambda *_: time.sleep(20))
    with pytest.raises(TransientError, match=r"the folder is silent.*is mounted"):
        place[1](retry_seconds=0.3)


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
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
    with pytest.raises(AgencyError, match=r"loans_1.csv has 0 bytes, and gives 5: whether it is whole is not known"):
        pull()


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_one_connection_serves_a_pull_and_where_it_breaks_a_new_one_is_made(place, monkeypatch):
    folder, pull = place
    for number in (1, 2, 3):
        put(folder, f"loans_{number}.csv")
    connected, real, broken = [], asyncssh.connect, []
    looked_at = asyncssh.SFTPClient.lstat

    async def counted(*given, **more):
        connected.append(given)
        return await real(*given, **more)

    async def breaks_once(self, path):
        if not broken and "loans_2" in str(path):
            broken.append(path)
            raise asyncssh.SFTPConnectionLost("gone")
        return await looked_at(self, path)

    monkeypatch.setattr(asyncssh, "connect", counted)
    assert len(pull()[0]) == 3
    assert len(connected) == 1
    monkeypatch.setattr(asyncssh.SFTPClient, "lstat", breaks_once)
    assert len(pull()[0]) == 3
    assert (len(connected), len(broken)) == (3, 1)
