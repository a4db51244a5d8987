"""Where `jifen` begins: `explain` goes its own short way, all else through the command line proper."""

import sys
from collections.abc import Sequence

EXPLAIN = "explain"
LEADING = "--data-dir"


def main() -> None:
    """Run the command line. Importing typer and what it imports takes longer than an explanation may."""
    if explain_is_asked(sys.argv[1:]):
        _explain_and_leave()
    from flows.cli import app

    app()


def explain_is_asked(words: Sequence[str]) -> bool:
    """Whether a command line, without the program's name, is one for `jifen explain`."""
    rest = list(words)
    if rest and rest[0] == LEADING:
        rest = rest[2:]
    elif rest and rest[0].startswith(f"{LEADING}="):
        rest = rest[1:]
    return bool(rest) and rest[0] == EXPLAIN


def _explain_and_leave() -> None:
    """Explain without what a long run needs: collecting garbage, and taking everything down in order at the end.

    That is a fifth of the time. Nothing is open for writing by then, and all that was said is flushed.
    """
    import gc
    import os

    gc.disable()
    from flows.explain_command import run

    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        # Whoever read has read enough, as `head` does.
        code = 1
    os._exit(code)
