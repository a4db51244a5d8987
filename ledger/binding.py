"""Binding of a ledger to its data folder: the same id is stored in both, and neither is used with another.

Beside the id a counter, the turn, is stored in both; each night and each act upon an edition increments it. Unequal
turns show that one of the two is an older copy, such as a ledger restored from the backup of the night before.
"""

import uuid
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from ledger import journal
from ledger.deliveries import leave_out_unknown
from ledger.files import write_durably
from ledger.store import now
from ledger.tables import data_folder, editions, pages

FILE = "ledger.id"
BY_ITSELF = "jifen"
_LOOKED_AT = 50
"""How many raw objects of a folder without editions are looked up; one known is enough: a kill leaves unknown ones."""
_BINDING = 0x626F756E64
"""The advisory lock of PostgreSQL under which a folder is bound: `bound` in ASCII."""
_FOLLOWS = (
    "Whose: config. Next: check JIFEN_DATA_DIR and JIFEN_LEDGER_URL, or restore what was lost; where the folder was "
    "moved or restored on purpose: jifen ledger bind --why TEXT"
)

Mark = tuple[str, int]
"""The id of a folder and its turn."""
BEGUN = "begun"
"""The mark after a turn in the file until its row is written: a process may die between the two."""


class LedgerForeignError(RuntimeError):
    """The ledger and the data folder are not bound to each other; nothing was changed."""


def require_bound(ledger: Engine, folder: Path) -> None:
    """Raise `LedgerForeignError` unless this ledger is bound to this folder.

    A ledger that was never bound is bound now, if it knows the content of the folder, or both are empty.
    """
    with ledger.begin() as connection:
        bound = _bound(connection)
    # The ledger first: the file was written before its row was.
    if bound is not None and _agree(bound, _mark_in(folder)):
        return
    with ledger.begin() as connection:
        _take_turns(connection)
        bound, found = _bound(connection), _mark_in(folder)
        if bound is None:
            require_related(connection, folder)
            _bind(connection, folder, BY_ITSELF, "opened for the first time")
        elif not _agree(bound, found):
            raise LedgerForeignError(f"{_disagreement(ledger, folder, bound, found)}. {_FOLLOWS}")


def why_not_bound(ledger: Engine, folder: Path) -> str | None:
    """Why this ledger is not bound to this folder, None where it is; binds nothing."""
    with ledger.begin() as connection:
        bound = _bound(connection)
    if bound is None:
        return f"the ledger at {ledger.url!r} was never bound to {folder}"
    found = _mark_in(folder)
    return None if _agree(bound, found) else _disagreement(ledger, folder, bound, found)


def require_new(path: Path, folder: Path) -> None:
    """Raise `LedgerForeignError` where a new ledger would be made in a folder that is in use: its ledger is lost."""
    held = [name for name in (FILE, "editions/*", "raw/*/*") if any(folder.glob(name))]
    if held and not path.exists():
        raise LedgerForeignError(
            f"the data folder {folder} is in use ({held[0]}), and its ledger {path} is not there. "
            "Whose: config. Next: restore the ledger from its backup, or check JIFEN_DATA_DIR and JIFEN_LEDGER_URL"
        )


def require_related(connection: Connection, folder: Path) -> None:
    """Raise `LedgerForeignError` for a ledger that was never bound and does not know the folder's content."""
    if why := _why_unrelated(connection, folder):
        raise LedgerForeignError(f"{why}. {_FOLLOWS}")


def move_on(ledger: Engine, folder: Path) -> None:
    """Increment the turn, in the folder first; nights and acts upon editions call it under the folder's lock."""
    with ledger.begin() as connection:
        _take_turns(connection)
        bound = _bound(connection)
        if bound is None:
            return
        _write(folder, (bound[0], bound[1] + 1), f" {BEGUN}")
        connection.execute(update(data_folder).values(turn=bound[1] + 1))
    _write(folder, (bound[0], bound[1] + 1))


def bind_again(ledger: Engine, folder: Path, who: str, why: str) -> str:
    """Bind a folder to its ledger again after their ids came to differ; returns the new id.

    The ledger may be that of a backup: numbers of packages go on behind those that it may not know.

    Raises `LedgerForeignError` for a ledger that does not know the content of the folder: it is another folder's.
    """
    with ledger.begin() as connection:
        _take_turns(connection)
        if why_not := _why_unrelated(connection, folder):
            raise LedgerForeignError(
                f"{why_not}: it is not bound. Whose: config. Next: restore the ledger of this folder from its backup"
            )
        leave_out_unknown(connection)
        return _bind(connection, folder, who, why)


def _bind(connection: Connection, folder: Path, who: str, why: str) -> str:
    folder_id = uuid.uuid4().hex
    connection.execute(delete(data_folder))
    row = {"folder_id": folder_id, "turn": 0, "bound_at": now(), "bound_by": who, "why": why}
    connection.execute(insert(data_folder).values(**row))
    if not journal.head_of(connection).sequence:
        journal.adopt(connection)
    journal.append(connection, "bound", row)
    _write(folder, (folder_id, 0))
    return folder_id


def _take_turns(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_BINDING)))


def _bound(connection: Connection) -> Mark | None:
    row = connection.execute(select(data_folder)).first()
    return None if row is None else (row.folder_id, row.turn)


def _mark_in(folder: Path) -> tuple[str, int, bool] | None:
    """The mark in the file, and whether its turn was only begun (its row may not be written yet)."""
    try:
        folder_id, turn, *begun = (folder / FILE).read_text(encoding="ascii").split()
        return folder_id, int(turn), begun == [BEGUN]
    except FileNotFoundError:
        return None
    except ValueError:
        return "unreadable", 0, False


def _write(folder: Path, mark: Mark, begun: str = "") -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(folder / FILE, f"{mark[0]} {mark[1]}{begun}\n".encode("ascii"))


def _agree(bound: Mark, found: tuple[str, int, bool] | None) -> bool:
    if found is None or found[0] != bound[0]:
        return False
    return found[1] == bound[1] or (found[2] and found[1] == bound[1] + 1)


def _disagreement(ledger: Engine, folder: Path, bound: Mark, found: tuple[str, int, bool] | None) -> str:
    ours = f"the ledger at {ledger.url!r} is that of another data folder than {folder}"
    if found is None:
        return f"{ours}, in which there is no {FILE}"
    if found[0] != bound[0]:
        return f"{ours}: its id is {bound[0][:8]}, {FILE} says {found[0][:8]}"
    return (
        f"the ledger at {ledger.url!r} has seen {bound[1]} nights and acts, the data folder {folder} {found[1]}: "
        "one of them is an older copy"
    )


def _why_unrelated(connection: Connection, folder: Path) -> str | None:
    """Why a ledger cannot be that of a folder; None where it knows the folder's content, or both are empty."""
    known = set(connection.execute(select(editions.c.edition_id)).scalars())
    pointer = folder / "editions" / "current"
    current = pointer.readlink().name if pointer.is_symlink() else None
    there = [path.name for path in (folder / "editions").glob("*") if path.is_dir() and path.name[0] != "."]
    raw = [path.stem for path in islice((folder / "raw").glob("*/*.zst"), _LOOKED_AT)]
    if current is not None and current not in known:
        return f"readers of {folder} follow edition {current}, which this ledger does not know"
    if known & {current, *there} or _knows_any(connection, raw):
        return None
    if there or raw:
        what = f"edition {there[0]}" if there else "raw objects"
        return f"the data folder {folder} holds {what}, which this ledger does not know"
    if known or connection.execute(select(pages.c.batch).limit(1)).first():
        return f"this ledger knows editions or deliveries, of which nothing stands in {folder}"
    return None


def _knows_any(connection: Connection, raw: list[str]) -> bool:
    known = select(pages.c.batch).where(pages.c.raw_sha256.in_(raw)).limit(1)
    return bool(raw) and connection.execute(known).first() is not None
