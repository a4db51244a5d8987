"""Where `jifen` begins: `explain` goes its own short way, all else through the command line proper."""

import sys


def main() -> None:
    """Run the command line. Importing typer and what it imports takes longer than an explanation may."""
    from flows.explain_command import is_asked

    if is_asked(sys.argv[1:]):
        _answer_and_leave()
    from flows.cli import app

    app()


def _answer_and_leave() -> None:
    """Explain without what a long run needs: collecting garbage, and taking everything down in order at the end.

    Of 200 ms that is thirty. Nothing is open for writing by then, and all that was said is flushed.
    """
    import gc
    import os

    gc.disable()
    from flows.explain_command import run

    code = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
