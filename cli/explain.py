"""`jifen explain`: answers within a fifth of a second, so nothing slow is imported before it is needed."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cli.entry import EXPLAIN, CommandError
from flows.texts import json_text, one_line, pasteable
from ledger.data_folder import VARIABLE, data_folder, raw_path

if TYPE_CHECKING:
    from editions.explain import Explanation

DESCRIPTION = "Show why an enterprise has its points: values, rules, records, what cost most, what would change it."
USAGE = "jifen [--data-dir DIR] explain USCC [--indicator CODE [--raw]] [--edition ID] [--json]"
EXIT_CODES = "Exit codes: 0 explained, 1 no such edition, enterprise, indicator or record, or not readable, 2 usage."
OF_ONE = ("edition_id", "as_of", "enterprise", "ranking", "stage", "indicators")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # The message repeats what was typed or pasted.
        super().error(one_line(message))


def parser() -> argparse.ArgumentParser:
    """The options of the command, behind those of `jifen` itself."""
    made = _Parser(prog="jifen", usage=USAGE, description=DESCRIPTION, epilog=EXIT_CODES)
    made.add_argument("--data-dir", type=Path, help="The data folder; JIFEN_DATA_DIR otherwise.")
    made.add_argument("command", choices=[EXPLAIN], help=argparse.SUPPRESS)
    made.add_argument("uscc", help="Unified social credit code 统一社会信用代码.")
    made.add_argument("--indicator", metavar="CODE", help="One indicator in full, with its records, as C03.")
    made.add_argument("--edition", metavar="ID", help="An edition; the current one otherwise.")
    made.add_argument("--raw", action="store_true", help="With --indicator: print each record as the agency sent it.")
    made.add_argument("--json", action="store_true", dest="as_json", help="Print JSON for programs.")
    return made


def run(words: Sequence[str]) -> int:
    """Answer one command line with exit code 0; raises where what was asked for is not there."""
    asked = parser().parse_args(words)
    if asked.raw and asked.indicator is None:
        parser().error("--raw goes with --indicator: the records of one indicator at a time")
    if asked.data_dir is not None:
        os.environ[VARIABLE] = str(asked.data_dir)
    elif VARIABLE not in os.environ:
        _read_env_file()
    sys.stdout.write(f"{_explained(asked, data_folder())}\n")
    return 0


def _read_env_file() -> None:
    # Reading the whole file takes a tenth of the time of this command, so it is read only where it may name the data
    # folder: where the word stands in it, or where it is in another folder, which its default data folder starts at.
    from ledger.env_file import env_file, load_env_file

    file = env_file()
    if file is not None and (VARIABLE.encode() in file.read_bytes() or file != Path(".env")):
        load_env_file()


def _explained(asked: argparse.Namespace, data_dir: Path) -> str:
    from editions.explain import EnterpriseUnknownError, explain
    from editions.places import EditionMissingError, read_current, require_edition

    wanted = read_current(data_dir) if asked.edition is None else asked.edition
    if wanted is None:
        raise EditionMissingError(f"no edition is published in {data_dir} yet. Next: jifen run")
    # The whole of an enterprise, as people read it, says nothing of single records.
    with_records = asked.as_json or asked.indicator is not None
    indicator = asked.indicator and _tidied(asked.indicator)
    edition = require_edition(data_dir, wanted)
    try:
        found = explain(edition, _tidied(asked.uscc), indicator, with_records=with_records)
    except EnterpriseUnknownError as error:
        fault = fault_of_code(asked.uscc)
        raise EnterpriseUnknownError(f"{error}. {fault}" if fault else str(error)) from error
    for line in found.indicators:
        for record in line.get("evidence") or ():
            _add_page(record, data_dir, asked.raw)
    return _as_json(found, asked) if asked.as_json else _as_text(found, asked)


def _tidied(code: str) -> str:
    """A code as codes are compared: blanks, small letters and full-width characters are habits of typing."""
    if code.isalnum() and code.isascii():
        return code.upper()
    from connectors.uscc import tidy

    return tidy(code)


def fault_of_code(uscc: str) -> str:
    """What its own check says of a code, in Chinese and English, and which one may be meant; empty for a valid one."""
    from connectors.reasons import explain as words_of
    from connectors.uscc import fault, repair, tidy

    code = tidy(uscc)
    why = fault(code)
    if why is None:
        return ""
    meant = repair(code)
    words = f"代码有误 The code itself: {words_of(why).zh} {words_of(why).en}"
    return f"{words}; 或为 {meant} may be meant" if meant else words


def _add_page(record: dict[str, Any], data_dir: Path, with_record: bool) -> None:
    """Add to a record of evidence where its raw page stands, and where asked for the record itself, as it was sent."""
    if record["raw_sha256"] is None:
        return
    record["raw_page"] = str(raw_path(data_dir, record["raw_sha256"]))
    if with_record:
        record["record"] = raw_record(data_dir, record)


def raw_record(data_dir: Path, evidence: Mapping[str, Any]) -> Any:
    """The record as the agency sent it, by the page's hash and its position there; None where it is not on that page.

    Raises `CommandError` where the page is lost or damaged, or the source that says how to read it is not declared.
    """
    from connectors.decoders.decode import decode
    from connectors.errors import ConnectorError
    from connectors.raw import RawDamagedError, read_raw
    from connectors.source_files import SOURCES_DIR, read_source

    try:
        dataset = read_source(SOURCES_DIR / f"{evidence['source']}.yml").dataset(str(evidence["dataset"]))
        body = read_raw(data_dir, str(evidence["raw_sha256"]))
        for chunk in decode(dataset, "raw page", body):
            for place, position in enumerate(chunk.positions):
                if position == evidence["raw_position"]:
                    return chunk.raw(place)
    except (RawDamagedError, ConnectorError) as error:
        raise CommandError(str(error), "not_found") from error
    except FileNotFoundError as error:
        raise CommandError(
            f"{error.filename} is not there, and says how a page of {evidence['source']} is read. Whose: config. "
            "Next: restore the source file",
            "not_found",
        ) from error
    return None


def _as_json(found: "Explanation", asked: argparse.Namespace) -> str:
    parts = found._asdict()
    if asked.indicator is not None:
        return json_text({name: parts[name] for name in OF_ONE})
    return json_text({**parts, "previous": found.previous and found.previous._asdict()})


def _as_text(found: "Explanation", asked: argparse.Namespace) -> str:
    from cli.explain_text import enterprise_lines, indicator_lines

    lines = enterprise_lines(found) if asked.indicator is None else indicator_lines(found)
    if found.indicators and asked.indicator is None:
        lines += ["", f"单项详情 One indicator with its records: {_command(found, asked, '--indicator', 'CODE')}"]
    elif found.indicators and found.indicators[0]["evidence"] and not asked.raw:
        code = found.indicators[0]["indicator_code"]
        lines += ["", f"原始记录 The records as sent: {_command(found, asked, '--indicator', code, '--raw')}"]
    # Names come from outside: whatever a line was made of, no character of it may move the terminal's cursor.
    return "\n".join(map(one_line, lines))


def _command(found: "Explanation", asked: argparse.Namespace, *more: str) -> str:
    import shlex

    edition = [] if asked.edition is None else ["--edition", found.edition_id]
    command = shlex.join(["jifen", EXPLAIN, found.enterprise["uscc"], *edition, *more])
    return pasteable(command, [sys.argv[0], *([] if asked.data_dir is None else ["--data-dir", str(asked.data_dir)])])
