"""Files in a folder of this machine: fetched once, when whole, and never from outside the folder."""

import hashlib
import json
import os
import time

import pytest

from connectors.drivers.folder import pull
from connectors.drivers.pages import Ask
from connectors.errors import AgencyError, ConfigError, DataError, TransientError
from connectors.spec import Source
from ledger.settings import Settings

DATASET = {
    "source": "court",
    "name": "rulings",
    "description": "one row per ruling",
    "critical": False,
    "coverage": "partial",
    "load": "upsert",
    "key": ("ruling_no",),
    "decoder": {"kind": "csv"},
    "volume": {"floor": 0, "ceiling": 100},
    "freshness": {"unwatched": "made for a test"},
    "continuity": {"unwatched": "made for a test"},
    "columns": ({"name": "ruling_no", "data_type": "varchar", "source_field": "no", "required": True},),
}


@pytest.fixture
def share(tmp_path, monkeypatch):
    folder = tmp_path / "share"
    folder.mkdir()
    monkeypatch.setenv("COURT_FOLDER", str(folder))
    return folder


@pytest.fixture
def pages(tmp_path):
    """Pull what lies in the share, by a request of a source file."""

    def of(seen=frozenset(), retry_seconds=5, **request):
        wanted = {"folder": ".", "pattern": "*.csv", **request}
        source = Source.model_validate(
            {
                "name": "court",
                "description": "a court",
                "agency": {"zh": "法院", "en": "Court"},
                "driver": "folder",
                "connection": {"path": {"env": "COURT_FOLDER"}},
                "datasets": ({**DATASET, "request": wanted},),
                "sha256": "0" * 64,
            }
        )
        settings = Settings(data_dir=tmp_path / "data", retry_seconds=retry_seconds, _env_file=None)
        return list(pull(Ask(source, source.datasets[0], settings, None, None, seen)))

    return of


def put(folder, name, content=b"no\n1\n"):
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_each_file_is_a_page_in_the_order_of_names_and_one_already_held_is_left(share, pages):
    for name in ("b.csv", "a.csv", "c.txt"):
        put(share, name)
    (share / "d.csv").mkdir()
    found = pages()
    assert [page.label for page in found] == ["a.csv (5 bytes, 1700000000)", "b.csv (5 bytes, 1700000000)"]
    assert [page.next_cursor for page in found] == [{"after": found[0].label}, None]
    assert [page.label for page in pages(seen=frozenset({found[0].label}))] == [found[1].label]
    assert all(len(json.dumps(page.next_cursor)) < 2048 for page in found)


def test_a_file_put_again_with_other_content_is_fetched_again(share, pages):
    put(share, "a.csv")
    held = frozenset(page.label for page in pages())
    assert pages(seen=held) == []
    put(share, "a.csv", b"no\n1\n2\n")
    assert [page.body for page in pages(seen=held)] == [b"no\n1\n2\n"]


def test_a_folder_below_the_share_may_be_named_and_one_beside_it_may_not(share, pages):
    (share / "2025").mkdir()
    put(share / "2025", "a.csv")
    assert len(pages(folder="2025")) == 1
    for outside in ("..", "2025/../..", "/etc"):
        with pytest.raises(ConfigError, match="leads out of COURT_FOLDER"):
            pages(folder=outside)


def test_a_share_that_is_not_mounted_and_a_folder_that_is_gone_are_told(share, pages, monkeypatch):
    with pytest.raises(AgencyError, match="there is no folder 2026"):
        pages(folder="2026")
    monkeypatch.setenv("COURT_FOLDER", str(share / "nothing"))
    with pytest.raises(ConfigError, match="COURT_FOLDER is no folder of this machine"):
        pages()


def test_a_link_out_of_the_folder_is_told_and_left_and_one_inside_is_followed(share, pages, tmp_path, caplog):
    outside = put(tmp_path, "secret.csv")
    (share / "out.csv").symlink_to(outside)
    put(share, "a.csv")
    (share / "in.csv").symlink_to(share / "a.csv")
    assert [page.label.partition(" ")[0] for page in pages()] == ["a.csv", "in.csv"]
    assert "out.csv (link) matches no pattern and is left" in caplog.text
    (share / "away").symlink_to(tmp_path)
    with pytest.raises(AgencyError, match="a link that leads out"):
        pages(folder="away")


@pytest.mark.parametrize("name", [b"a\n.csv", b"a\x1b[31m.csv", "a\u202e.csv".encode(), b"\xb4\xfb.csv", b"a\\b.csv"])
def test_a_name_that_cannot_be_trusted_is_a_loud_stop_that_shows_it_plainly(share, pages, name):
    with open(os.path.join(os.fsencode(share), name), "wb") as handle:  # noqa: PTH118, PTH123 - no Path holds such a name
        handle.write(b"no\n")
    with pytest.raises(AgencyError, match=r"is no plain name|is not encoded in UTF-8") as caught:
        pages()
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


def test_a_name_that_cannot_be_trusted_and_does_not_match_is_left_alone(share, pages):
    put(share, "note\n.txt")
    assert pages() == []


STABLE = {"kind": "stable_size", "seconds": 0.4}


def test_a_file_still_growing_is_left_for_the_next_run(share, pages, caplog, monkeypatch):
    put(share, "a.csv")
    growing = put(share, "b.csv")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("connectors.drivers.files.time.sleep", lambda _: growing.write_bytes(b"no\n1\n2\n"))
        found = pages(ready=STABLE)
    assert [page.label.partition(" ")[0] for page in found] == ["a.csv"]
    assert "b.csv is not whole yet and is left for the next run" in caplog.text
    assert len(pages(ready=STABLE)) == 2


def test_where_no_file_is_whole_yet_the_pull_is_to_be_tried_again(share, pages):
    put(share, "a.csv")
    with pytest.raises(TransientError, match=r"not every file is whole yet: a\.csv"):
        pages(ready={"kind": "flag"})


def test_nothing_new_is_not_waited_for(share, pages):
    put(share, "a.csv")
    held = frozenset(page.label for page in pages())
    before = time.monotonic()
    assert pages(seen=held, ready={"kind": "stable_size", "seconds": 30}) == []
    assert time.monotonic() - before < 25


def test_a_file_is_fetched_once_its_flag_stands_beside_it_and_the_flag_is_no_data(share, pages):
    for name in ("a.csv", "a.csv.ok", "b.csv"):
        put(share, name)
    found = pages(pattern="*", ready={"kind": "flag", "suffix": ".ok"})
    assert [page.label.partition(" ")[0] for page in found] == ["a.csv"]


def manifest(share, **files):
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}.csv" for name, content in files.items()]
    put(share, "SHA256SUMS", "\n".join(lines).encode() + b"\n")


MANIFEST = {"pattern": "*", "ready": {"kind": "manifest", "pattern": "SHA256SUMS*"}}


def test_a_file_is_fetched_once_a_manifest_names_it_and_its_hash_is_right(share, pages):
    put(share, "a.csv", b"1")
    put(share, "b.csv", b"2")
    manifest(share, a=b"1")
    assert [page.body for page in pages(**MANIFEST)] == [b"1"]


def test_a_file_that_is_not_what_its_manifest_says_is_a_loud_stop(share, pages):
    put(share, "a.csv", b"1")
    manifest(share, a=b"2")
    with pytest.raises(DataError, match=r"a\.csv is not the file that the manifest names"):
        pages(**MANIFEST)


def test_a_file_that_a_manifest_names_and_is_not_there_is_waited_for_unless_it_is_held(share, pages):
    put(share, "a.csv", b"1")
    manifest(share, a=b"1", b=b"2")
    with pytest.raises(TransientError, match=r"names a file that is not there: b\.csv"):
        pages(**MANIFEST)
    assert len(pages(seen=frozenset({"b.csv (1 bytes, 5)"}), **MANIFEST)) == 1


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (b"no hash\n", DataError, "no hash and name in line 1"),
        (b"\xff\xfe", DataError, "is not UTF-8"),
        (b"0" * 64 + b"  ../../etc/passwd\n", AgencyError, "is no plain name"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_a_loud_stop(share, pages, content, error, told):
    put(share, "a.csv")
    put(share, "SHA256SUMS", content)
    with pytest.raises(error, match=told):
        pages(**MANIFEST)


def test_a_file_larger_than_allowed_is_refused_before_it_is_read(share, pages, monkeypatch):
    monkeypatch.setattr("connectors.drivers.files.MAX_BODY_BYTES", 3)
    put(share, "a.csv")
    with pytest.raises(DataError, match="larger than 3 bytes"):
        pages()


def test_a_share_whose_server_is_away_is_not_waited_for(share, pages, monkeypatch):
    """Stands in for a mount that never answers: a real one would need a kernel that can be told to make one."""
    (share / "a.csv").write_text("no\nR1\n")
    monkeypatch.setattr("connectors.drivers.folder.os.scandir", lambda *_: time.sleep(20))
    began = time.monotonic()
    with pytest.raises(TransientError, match=r"the folder is silent.*is mounted"):
        pages(retry_seconds=0.3)
    assert time.monotonic() - began < 8
