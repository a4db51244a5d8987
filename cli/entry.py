"""The entry point of `jifen`: `explain` takes a short path, every other command the whole command line.

This is the one place that keeps tracebacks, and characters that a terminal cannot show, from people.
"""

import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

EXPLAIN = "explain"
LEADING = "--data-dir"
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


def main() -> None:
    """Run the command line. Importing typer and what it imports takes longer than an explanation may."""
    write_what_cannot_be_shown_as_escapes()
    if explain_is_asked(sys.argv[1:]):
        _explain_and_leave()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    leave_with(_whole_command_line)


def write_what_cannot_be_shown_as_escapes() -> None:
    r"""A terminal that knows ASCII alone gets `\u7a0e` in place of 税, as JSON may; a closed stream gets nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _whole_command_line() -> None:
    """What is imported stays to the end: to look through it for garbage takes a tenth of a short command."""
    gc.disable()
    from cli.app import app

    gc.freeze()
    gc.enable()
    app()


def leave_with(command: Callable[[], None]) -> NoReturn:
    """Run a command and leave the process with its exit code; whatever it raises is reported in one sentence."""
    try:
        command()
        code: str | int | None = 0
    except SystemExit as end:
        code = end.code
    except BrokenPipeError:
        code = 0
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge: behind it is only the terminal
        code = report(error)
    # Python looks through all that was imported once more as it ends: half a second after a night.
    gc.freeze()
    sys.exit(_flushed(code))


class CommandError(Exception):
    """A command cannot be done as asked: why, and with which exit code it ends."""

    def __init__(self, message: str, state: str = "failed", exit_code: int = 1) -> None:
        super().__init__(message)
        self.state, self.exit_code = state, exit_code


def report(error: Exception) -> int:
    """Say in one sentence why a command failed, to programs as JSON; answers the exit code."""
    from flows.faults import sentence
    from flows.texts import json_text, pasteable, visible

    message = pasteable(sentence(error))
    exit_code = getattr(error, "exit_code", 1)
    state = getattr(error, "state", "usage" if exit_code == 2 else "failed")
    # Where nothing can be written on standard output, that is what is to be reported.
    if "--json" in sys.argv and not (isinstance(error, OSError) and error.filename is None):
        fields = {"state": state, "message": message, **getattr(error, "more", {}), "exit_code": exit_code}
        sys.stdout.write(json_text(fields) + "\n")
    else:
        sys.stderr.write(f"{_red(state)} {visible(message)}\n")
    return exit_code


def _red(word: str) -> str:
    """A word in red where standard error is a terminal that shows colours."""
    shows = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    return f"\x1b[31m{word}\x1b[0m" if shows else word


def _flushed(code: str | int | None) -> str | int | None:
    """Write out what is buffered. A closed pipe is no error: `head` has read enough. A full disk is reported."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return code
        sys.stderr.write(f"failed the output cannot be written: {error.strerror}\n")
        return code or 1
    return code


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """End in order at the first Ctrl-C or SIGTERM, at once at the second: what was fetched is kept either way."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(INTERRUPTED))
    raise KeyboardInterrupt


def explain_is_asked(words: Sequence[str]) -> bool:
    """Whether a command line, without the program's name, is one for `jifen explain`."""
    rest = list(words)
    if rest and rest[0] == LEADING:
        rest = rest[2:]
    elif rest and rest[0].startswith(f"{LEADING}="):
        rest = rest[1:]
    return bool(rest) and rest[0] == EXPLAIN


def _explain_and_leave() -> None:
    """Explain without garbage collection and without an orderly shutdown, which only long runs need.

    That is a fifth of the time. Nothing is open for writing by then, and all output is flushed.
    """
    gc.disable()

    def explain() -> None:
        from cli.explain import run

        sys.exit(run(sys.argv[1:]))

    try:
        leave_with(explain)
    except SystemExit as end:
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
