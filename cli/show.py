"""What people read in the terminal: tables of a night, an edition, an enterprise; and the JSON for programs."""

import logging
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.markup import escape
from rich.status import Status
from rich.table import Table
from rich.text import Text

from flows.texts import json_text, local, pasteable, plain, visible

# Redirected output has no width of its own; a rule's name holds ":key:", which is no emoji.
_WIDTH = None if sys.stdout.isatty() else 130
# What a column is folded to at most where another has to stay whole: a code.
_NARROW = 18


class _Terminal(Console):
    """A console on which a text stays on its line, to be copied, and a `jifen` command in it can be pasted."""

    def print(self, *objects: Any, **how: Any) -> None:
        if all(isinstance(one, str) for one in objects):
            how = {"soft_wrap": True, **how}
            objects = tuple(map(pasteable, objects))
        super().print(*objects, **how)

    def on_broken_pipe(self) -> None:
        """The reader who closed the pipe has read enough, as `head` does: the command ends with its own exit code."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


console = _Terminal(highlight=False, emoji=False, width=_WIDTH)
errors = _Terminal(stderr=True, highlight=False, emoji=False)

STATE_COLOURS = {"published": "green", "nothing_new": "green", "beside": "green", "passed": "green", "sent": "green"}


def show_json(value: Any) -> None:
    """Print a value as JSON: dates as ISO text, decimals as text, so that nothing is rounded."""
    # As `Text`: the commands in a `str` would be changed to be pasted, and JSON is printed as it is.
    text = Text(json_text(value))
    console.print(JSONHighlighter()(text) if console.is_terminal else text, soft_wrap=True)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], whole: Collection[str] = ()) -> None:
    """Print one table; every cell is escaped, since names come from outside.

    The columns of `whole` are to be copied: they stay on one line, and where the others get too narrow for that, the
    table is wider than the terminal.
    """
    table = Table(title=safe(title), title_justify="left", title_style="bold", header_style="dim")
    least = 1
    cells = [["" if cell is None else safe(_cell(cell)) for cell in row] for row in rows]
    for place, column in enumerate(columns):
        table.add_column(safe(column), overflow="fold", no_wrap=column in whole)
        widest = max(cell_len(row[place]) for row in (columns, *cells))
        least += 3 + (widest if column in whole else min(widest, _NARROW))
    for line in cells:
        table.add_row(*line)
    wide = Console(highlight=False, emoji=False, width=max(console.width, least))
    (wide if whole else console).print(table)


def show_rows(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str | tuple[str, str]],
    as_json: bool = False,
    whole: Collection[str] = (),
) -> None:
    """Print rows whole as JSON, or these columns of them as a table: by name, or under a header what fills a cell.

    What fills a cell is a name, or a text with names in braces.
    """
    if as_json:
        show_json(rows)
        return
    headed = [(one, one) if isinstance(one, str) else one for one in columns]
    cells = [[text.format_map(row) if "{" in text else row.get(text) for _, text in headed] for row in rows]
    show_table(title, [header for header, _ in headed], cells, whole)


def show_facts(facts: Iterable[tuple[str, Any]], zone: ZoneInfo | None = None) -> None:
    """Print facts, each on a line of its own behind its name; those that are None are left out.

    With a zone, what is named `…_at` is a moment of the ledger and is shown in the zone's own time.
    """
    known = [(name, value) for name, value in facts if value is not None]
    if zone is not None:
        known = [(name, local(value, zone) if name.endswith("_at") else value) for name, value in known]
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        console.print(f"{name:<{width}} {safe(value).replace(chr(10), ' ')}")


def show_done(facts: Any, text: str, as_json: bool) -> None:
    """Print what a command has done: its facts as JSON for programs, one sentence for people."""
    if as_json:
        show_json(facts)
    else:
        console.print(safe(text))


def show_written(path: Path, steps: Sequence[str], last: str | None) -> None:
    """Print where a draft was written, the numbered steps to its use, and a last line where there is one."""
    numbered = (f"  {number}. {step}" for number, step in enumerate(steps, start=1))
    for line in (f"written: {path}", "next:", *numbered, *([last] if last else [])):
        console.print(safe(line))


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def safe(text: Any) -> str:
    """A text from outside, made harmless for a terminal: no markup, and no control character to move the cursor.

    A `jifen` command in it is written so that it can be pasted.
    """
    return escape(visible(pasteable(str(text))))


def coloured(state: str) -> str:
    """A state with its colour, as rich markup."""
    return f"[{STATE_COLOURS.get(state, 'red')}]{safe(state)}[/]"


class _StatusHandler(logging.Handler):
    """Shows what the recipe logs: the running step in the spinner, each finished one on a line of its own."""

    def __init__(self, status: Status) -> None:
        super().__init__()
        self._status = status

    def emit(self, record: logging.LogRecord) -> None:
        text = safe(record.getMessage())
        if record.levelno >= logging.INFO:
            errors.print(f"  {text}", style="yellow" if record.levelno >= logging.WARNING else "dim")
        else:
            self._status.update(text)


@contextmanager
def progress(title: str) -> Iterator[None]:
    """Show the recipe's log while it works, on standard error."""
    logger = logging.getLogger("jifen")
    with errors.status(safe(title)) as status:
        handler = _StatusHandler(status)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        # Prefect's own console would say each line a second time; its page still gets them.
        logger.propagate = False
        try:
            yield
        finally:
            logger.propagate = True
            logger.removeHandler(handler)


def show_refusals(pulled: Sequence[Mapping[str, Any]]) -> None:
    """Print what landing refused, discarded or noticed, by agency and rule, what it warned of and what changed."""
    named = [(f"{one['source']}.{one['dataset']}", one) for one in pulled]
    rows = [(name, rule, count) for name, one in named for rule, count in (one.get("counts") or {}).items()]
    if rows:
        show_table("Quarantined and noticed 隔离与提示", ("dataset", "rule", "count"), rows)
    for state, colour in (("not_supplied", "dim"), ("held", "yellow"), ("failed", "red")):
        by_message: dict[str, list[str]] = {}
        for name, one in named:
            if one["state"] == state:
                by_message.setdefault(one["message"] or "", []).append(name)
        for message, names in by_message.items():
            # A message begins with the dataset where it is of one.
            found = message.removeprefix(f"{names[0]}: ")
            console.print(f"  [{colour}]{state}[/] {safe(', '.join(names))}: {safe(found)}")
    for state, zh in (("warned", "请核对"), ("changed", "变化未超限")):
        for name, one in named:
            if one.get(state):
                console.print(f"  [yellow]{state}[/] {safe(name)} {zh}: {safe(one[state])}")


def show_top(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the head of a ranking, with the points it is out of."""
    points = ("points_total", "points_available", "points_maximum")
    # What was not supplied is left out of a firm's maximum: the score is points over what could be assessed.
    plainly = [{**row, **{name: plain(row[name]) for name in points}} for row in rows]
    columns = (
        ("rank", "rank_overall"),
        ("code", "uscc"),
        ("name", "enterprise_name"),
        "stage",
        "score",
        ("points", "points_total"),
        ("of assessable", "{points_available} of {points_maximum}"),
    )
    show_rows("Top of the ranking 积分排名", plainly, columns)


def show_verdict(verdict: Mapping[str, Any]) -> None:
    """Print the gate's verdict and every check that did not pass."""
    counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in verdict["counts"].items())
    console.print(f"Gate 发布闸门: {coloured(verdict['state'])}; {verdict['declared']} checks: {safe(counts)}")
    for check in verdict["checks"]:
        if check["outcome"] not in ("passed", "not_applicable"):
            line = f"{check['severity']} {check['outcome']}: {check['table']}.{check['name']}: {check['observed']}"
            console.print(f"  {safe(line)}")


KINDS_SENT = {"deliveries": "extract", "notices": "notice", "alerts": "alert", "returns_sent": "return"}
"""What is sent, by the part of a night's report that records it."""


def show_sent(report: Mapping[str, Any]) -> None:
    """Print what went to whom, by lines of a night's report or by rows of the ledger, whose error has another name."""
    rows = [
        {"error": sent.get("last_error"), **sent, "what": f"{what} {_event_of(sent)}".rstrip()}
        for name, what in KINDS_SENT.items()
        for sent in report.get(name, [])
    ]
    counts = (("rows sent", "rows"), ("consents denied", "denied"), ("records refused", "refused"))
    columns = ("recipient", "what", "state", *counts, "error")
    show_rows("Sent 送达", rows, columns)


def _event_of(sent: Mapping[str, Any]) -> str:
    """What a message beyond the first of its edition is about, as its id ends: `….policy_channel.1.policy_gained`."""
    _, _, number_and_event = sent.get("message_id", "").partition(f".{sent['recipient']}.")
    return str(number_and_event.partition(".")[2])
