"""`jifen explain`: answers within a fifth of a second, so nothing dear is imported before it is needed."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.texts import json_text, one_line

COMMAND = "explain"
DESCRIPTION = "Show why an enterprise has its points: values, rules, records, what cost most, what would change it."
LEADING = "--data-dir"


def is_asked(words: Sequence[str]) -> bool:
    """Whether a command line, without the program's name, is one for this module."""
    rest = list(words)
    if rest and rest[0] == LEADING:
        rest = rest[2:]
    elif rest and rest[0].startswith(f"{LEADING}="):
        rest = rest[1:]
    return bool(rest) and rest[0] == COMMAND


def parser() -> argparse.ArgumentParser:
    """The options of the command, behind those of `jifen` itself."""
    made = argparse.ArgumentParser(prog="jifen", description=DESCRIPTION)
    made.add_argument("--data-dir", type=Path, help="The data folder; JIFEN_DATA_DIR otherwise.")
    made.add_argument("command", choices=[COMMAND], help=argparse.SUPPRESS)
    made.add_argument("uscc", help="Unified social credit code 统一社会信用代码.")
    made.add_argument("--indicator", metavar="CODE", help="One indicator in full, with its records, as C03.")
    made.add_argument("--edition", metavar="ID", help="An edition; the current one otherwise.")
    made.add_argument("--raw", action="store_true", help="With --indicator: print each record as the agency sent it.")
    made.add_argument("--json", action="store_true", dest="as_json", help="Print JSON for programs.")
    return made


def run(words: Sequence[str]) -> int:
    """Answer one command line; the exit code is 0, 1 where there is no such edition or enterprise, 2 for misuse."""
    asked = parser().parse_args(words)
    if asked.raw and asked.indicator is None:
        parser().error("--raw goes with --indicator: the records of one indicator at a time")
    if Path(".env").is_file():
        from dotenv import load_dotenv

        load_dotenv(".env", override=False)
    if asked.data_dir is not None:
        os.environ["JIFEN_DATA_DIR"] = str(asked.data_dir)
    return _answer(asked)


def _answer(asked: argparse.Namespace) -> int:
    from connectors.errors import ConnectorError
    from connectors.raw import RawDamagedError
    from editions.current import EditionMissingError, read_current, require_edition
    from editions.explain import EnterpriseUnknownError, explain
    from ledger.data_folder import data_folder

    data_dir = data_folder()
    try:
        wanted = asked.edition or read_current(data_dir)
        if wanted is None:
            raise EditionMissingError(f"no edition is published in {data_dir} yet. Next: jifen run")
        found = explain(require_edition(data_dir, wanted), asked.uscc, asked.indicator)
        records = [_with_page(row, data_dir, asked.raw) for line in found.indicators for row in line["evidence"] or ()]
    except (EditionMissingError, EnterpriseUnknownError, ConnectorError, RawDamagedError, OSError, ValueError) as error:
        return _stopped(str(error), asked.as_json)
    if asked.as_json:
        told = asdict(found)
        if asked.indicator is not None:
            told = {name: told[name] for name in ("edition_id", "as_of", "enterprise", "ranking", "indicators")}
        _write(json_text(told))
        return 0
    from flows.explain_text import enterprise_lines, indicator_lines

    _write("\n".join(enterprise_lines(found) if asked.indicator is None else indicator_lines(found, records)))
    return 0


def _with_page(row: dict[str, Any], data_dir: Path, with_record: bool) -> dict[str, Any]:
    """Add to a record of evidence where its raw page stands, and where asked for the record itself, as it was sent."""
    if row["raw_sha256"] is not None:
        from connectors.raw import raw_path

        row["raw_page"] = str(raw_path(data_dir, row["raw_sha256"]))
        if with_record:
            from flows.raw_record import raw_record

            row["record"] = raw_record(data_dir, row)
    return row


def _stopped(message: str, as_json: bool) -> int:
    if as_json:
        _write(json_text({"state": "not_found", "message": message, "exit_code": 1}))
    else:
        sys.stderr.write(f"not_found {one_line(message)}\n")
    return 1


def _write(text: str) -> None:
    # Whatever the locale of the shell: names are Chinese.
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()
