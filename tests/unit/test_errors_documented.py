"""Every error of docs/errors.md is one that the program says, whose it says, and many are raised here."""

import ast
import errno
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from cli.command import edition_asked
from cli.sandbox import require_no_real_store
from connectors import errors
from connectors.openpgp import SIGN, usable
from connectors.sink_files import ExtractSink, read_sinks
from connectors.source_files import read_source
from connectors.zone import read_zone
from editions.dictionary import described
from editions.places import require_edition
from flows import prefect_server
from flows.faults import sentence
from flows.past import require_come
from ledger.files import group_id
from ledger.minisign import new_key, read_secret_key
from ledger.overrides import ask, read_approvers
from ledger.publications import publish
from ledger.runs import exclusive_run
from ledger.settings import PROJECT_DIR, Settings, read_variable
from ledger.store import open_ledger, write
from ledger.tables import ledger_version
from tests.unit.small_edition import make_candidate, seal_small

DAY = date(2025, 6, 30)
PAGE = PROJECT_DIR / "docs" / "errors.md"
ROOMS = ("cli", "connectors", "editions", "expectations", "flows", "ledger")
WHOSE = {"config", "agency", "transient", "data", "jifen", "varies"}
OF_THE_SYSTEM = {"No space left on device"}
CLASSES = {name: found.whose for name, found in vars(errors).items() if hasattr(found, "whose")}


def documented() -> list[list[str]]:
    """The rows of the page's tables of errors: text, where, whose, meaning, next."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text("utf-8").splitlines()]
    return [row for row in rows if len(row) == 5 and row[0].startswith("`")]


DOCUMENTED = documented()
TEXTS = [row[0].strip("`") for row in DOCUMENTED]


def template(node: ast.AST) -> str | None:
    """A text of the program as the page writes it: `…` for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def said() -> Iterator[tuple[str, str | None]]:
    """Every text of the program, with whose it is where it is given to one of our errors as it stands."""
    for path in (path for room in ROOMS for path in (PROJECT_DIR / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        of_errors = {
            id(node.args[0]): CLASSES[node.func.id]
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in CLASSES and node.args
        }
        for node in ast.walk(tree):
            if (text := template(node)) is not None:
                yield text, of_errors.get(id(node))


@pytest.fixture(scope="module")
def program():
    return list(said())


def test_forty_errors_at_least_are_documented_each_with_where_whose_and_what_next():
    assert len(set(TEXTS)) == len(TEXTS) >= 40
    for row in DOCUMENTED:
        assert all(row), row
        assert row[2] in WHOSE, row


@pytest.mark.parametrize("row", DOCUMENTED, ids=TEXTS)
def test_a_documented_error_is_one_that_the_program_says(program, row):
    text = row[0].strip("`").rstrip("… ")
    found = {whose for one, whose in program if text in one}
    assert found or text in OF_THE_SYSTEM
    told = found - {None}
    assert not told or row[2] in told, f"the program says {told}"


def file_of(folder: Path, content: str, mode: int = 0o600) -> Path:
    path = folder / "made_up.yml"
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    return path


def twice(settings: Settings) -> None:
    with exclusive_run(settings.data_dir), exclusive_run(settings.data_dir):
        pass


def with_ledger(settings: Settings, content: bytes) -> Settings:
    settings.data_dir.mkdir()
    (settings.data_dir / "ledger.sqlite").write_bytes(content)
    return settings


def in_use(settings: Settings) -> None:
    (settings.data_dir / "raw" / "ab").mkdir(parents=True)
    (settings.data_dir / "raw" / "ab" / "x.zst").touch()
    open_ledger(settings)


def of_another(settings: Settings, mark: str) -> None:
    open_ledger(settings)
    (settings.data_dir / "ledger.id").write_text(mark.format((settings.data_dir / "ledger.id").read_text().split()[0]))
    open_ledger(settings)


def newer(settings: Settings) -> None:
    write(open_ledger(settings), update(ledger_version).values(version=99))
    open_ledger(settings)


def moved_on(settings: Settings) -> None:
    publish(open_ledger(settings), {"edition_id": "e"}, "run", "another", [], [])


def same_key(folder: Path) -> None:
    key = new_key(folder / "one.key").text
    read_approvers(file_of(folder, f"li: {key}\nwang: {key}"))


def undecided() -> None:
    sink = next(one for one in read_sinks() if isinstance(one, ExtractSink))
    sink.check_columns(next(iter(sink.tables)), ["a_new_column"])


def answered(status: int) -> None:
    error = RuntimeError()
    error.response = SimpleNamespace(status_code=status)
    raise prefect_server._api_fault(error, "Prefect API", "fix it")


RAISED = {
    "not set, and … needs …": lambda _: read_variable("TAX_BASE_URL", "tax", {}),
    "no time zone has this name": lambda _: Settings(time_zone="Nowhere/Near"),
    "is no name of a host and no network": lambda _: Settings(channel_hosts="10.1"),
    "the system has no group …": lambda _: group_id("nobody-has-this-name"),
    "another run holds …": lambda here: twice(here.settings),
    "cannot be opened: …": lambda here: open_ledger(with_ledger(here.settings, b"no ledger" * 999)),
    "JIFEN_LEDGER_URL is no URL of a database": lambda here: open_ledger(
        here.settings.model_copy(update={"ledger_url": "my password"})
    ),
    "is of version …, this jifen knows versions up to …": lambda here: newer(here.settings),
    "is in use (…), and its ledger … is not there": lambda here: in_use(here.settings),
    "holds …, which no demo made": lambda here: require_no_real_store(
        file_of(here.folder, "").rename(here.folder / "ledger.sqlite").parent
    ),
    "is that of another data folder than …": lambda here: of_another(here.settings, "another 0"),
    "one of them is an older copy": lambda here: of_another(here.settings, "{} 7"),
    "may be read or written by others (mode …)": lambda here: read_secret_key(file_of(here.folder, "key", 0o644)),
    "is no minisign secret key": lambda here: read_secret_key(file_of(here.folder, "key")),
    "two names have the same key": lambda here: same_key(here.folder),
    "an override lasts from … for … days at most": lambda here: ask(
        open_ledger(here.settings), ["rankings.x"], "why", DAY, date(2025, 12, 31)
    ),
    "not a valid source file: …": lambda here: read_source(file_of(here.folder, "version: [")),
    "not a valid sink file: …": lambda here: read_sinks(file_of(here.folder, "kind: present").parent),
    "not a valid zone file: …": lambda here: read_zone(file_of(here.folder, "moon: far"), []),
    "names nothing we know: …": lambda here: read_zone(file_of(here.folder, "not_supplied: {moon: far}"), []),
    "would be published and is not described": lambda _: described({}, "rankings", ["a_new_column"]),
    "did not pass the gate": lambda here: seal_small(here.folder, make_candidate(here.folder), state="blocked"),
    "is not at …": lambda here: require_edition(here.folder, "2025-06-30-abc"),
    "lies ahead of today": lambda _: require_come(date(2999, 1, 1), DAY),
    "current is …, this run expected …": lambda here: moved_on(here.settings),
    "no edition is published yet": lambda here: edition_asked(open_ledger(here.settings), None),
    "columns of … are not decided on": lambda _: undecided(),
    "the key file … is not there, or this user may not see it": lambda _: usable(Path("/nowhere.asc"), SIGN, "bank_a"),
    "this is no Prefect API": lambda _: answered(404),
}
"""Errors that the program is made to say here, by the page's text."""


@pytest.mark.parametrize("text", RAISED)
def test_an_error_is_printed_as_it_is_documented(text, settings, tmp_path):
    with pytest.raises(Exception) as raised:  # noqa: PT011 - what it says is what is looked at
        RAISED[text](SimpleNamespace(settings=settings, folder=tmp_path))
    printed = sentence(raised.value)
    assert re.search(re.escape(text).replace("…", ".*"), printed), printed
    (row,) = (row for row in DOCUMENTED if row[0].strip("`") == text)
    whose = re.search(r"Whose: (\w+)", printed)
    assert whose is None or whose[1] == row[2], printed


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (KeyError("x"), "a fault of jifen itself"),
    ],
)
def test_what_nobody_foresaw_is_one_line_too(error, text, monkeypatch, tmp_path):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path))
    assert text in TEXTS
    assert text in sentence(error)
    assert "\n" not in sentence(error)
