"""What every command shares: its options, how it fails, the installation it works on, and who decides as of when."""

import inspect
import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from cli.entry import CommandError, report
from ledger.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.spec import Source
    from ledger.store import Row


def parse_day(text: str) -> date:
    """The day that `text` says. Raises `typer.BadParameter` for anything but YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is not a date; write YYYY-MM-DD") from None


def day_option(text: str, *names: str) -> Any:
    """An option that takes a day; `text` is its help."""
    return typer.Option(*names, parser=parse_day, metavar="YYYY-MM-DD", help=text)


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


EditionOption = Annotated[str | None, typer.Option("--edition", help="An edition; the current one otherwise.")]
EditionArgument = Annotated[str | None, typer.Argument(help="An edition; the current one otherwise.")]


class ReportingGroup(TyperGroup):
    """A group of commands; each error is reported in one sentence and sets the exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was called."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("typer", "click"):
                raise
            raise typer.Exit(report(error)) from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was called, its help without the line ends of a docstring: a terminal wraps paragraphs."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and command.help:
            paragraphs = inspect.cleandoc(command.help).split("\n\n")
            command.help = "\n\n".join(" ".join(one.split()) for one in paragraphs)
        return name, command, rest


def new_group() -> typer.Typer:
    """A group of commands, to be called `app` in its module."""
    return typer.Typer(no_args_is_help=True, cls=ReportingGroup)


def fail(message: str, state: str = "failed", code: int = 1) -> NoReturn:
    """End a command that cannot be done, with this exit code."""
    raise CommandError(message, state, code)


def misused(message: str) -> NoReturn:
    """End a command that was called wrongly: exit code 2."""
    fail(message, "usage", 2)


LONGEST_TEXT = 2_000
LISTED = 60
"""So many names are listed whole in an error."""


def require_known(kind: str, wanted: Iterable[str | None], known: Iterable[str]) -> None:
    """An unknown name is a usage error that lists the known ones: an empty answer would look like good news.

    Of many it lists those that are most like the unknown one. None is an option that was not given.
    """
    there = list(dict.fromkeys(known))
    unknown = [name for name in wanted if name is not None and name not in there]
    if unknown and len(there) > LISTED:
        near = dict.fromkeys(one for name in unknown for one in get_close_matches(name, there, 8, 0.3))
        misused(f"no {kind} {', '.join(unknown)} among {len(there)}; most like it: {', '.join(near) or 'none'}")
    if unknown:
        misused(f"no {kind} {', '.join(unknown)}; there are {', '.join(there)}")


def text_given(text: str, option: str = "--why", hint: str = "say why") -> str:
    """The text of an option as it is kept; an empty one, and one that is too long, is a usage error with a hint."""
    kept = text.strip()
    if not kept:
        misused(f"{option} is empty: {hint}")
    # It is kept in the journal, which each check reads as a whole.
    if len(kept) > LONGEST_TEXT:
        misused(f"{option} has {len(kept):,} characters, at most {LONGEST_TEXT:,}: say it shorter, and name the file")
    return kept


def edition_asked(ledger: "Engine", edition: str | None) -> "Row":
    """The ledger's row of an edition, of the current one where none is named. Ends the command where there is none."""
    from ledger.publications import current_row, edition_row

    row = edition_row(ledger, edition) if edition else current_row(ledger)
    if row is not None:
        return row
    if edition:
        fail(f"no edition {edition} here. Next: jifen edition list", "not_found")
    fail("no edition is published yet. Next: jifen run", "not_found")


@dataclass(frozen=True)
class Installation:
    """What many commands work on: the settings, the ledger and the source files."""

    settings: Settings
    ledger: "Engine"
    sources: "tuple[Source, ...]"


def open_installation() -> Installation:
    """The data folder, ledger and source files that the settings name."""
    from connectors.source_files import read_sources
    from ledger.store import open_ledger

    settings = Settings()
    return Installation(settings, open_ledger(settings), tuple(read_sources()))


def date_of_decision(here: Installation, as_of: date | None) -> date:
    """The business date from which a decision counts; one before the current edition's is a usage error."""
    from flows.past import check_date

    day = as_of or here.settings.today
    check_date(here.ledger, day, here.settings.today)
    return day


def day_of_step(settings: Settings, on: date | None) -> date:
    """The day on which a step was taken, today otherwise. What lies ahead was not taken yet: a usage error."""
    today = settings.today
    if on is not None and on > today:
        misused(f"--on {on} lies ahead of today, {today}: what is written down has happened")
    return on or today


def operator() -> str:
    """Who decides: JIFEN_OPERATOR, or the name of the system user."""
    named = os.environ.get("JIFEN_OPERATOR", "").strip()
    if named:
        return named[:200]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
