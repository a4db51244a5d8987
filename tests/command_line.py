"""The command line run in this process as its own entry runs it: what a process of its own imports takes seconds."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from cli.app import app
from cli.entry import explain_is_asked, leave_with, write_what_cannot_be_shown_as_escapes
from cli.explain import run as explain


def jifen(*words: str, env: Mapping[str, str], cwd: Path, encoding: str = "utf-8") -> CompletedProcess[bytes]:
    """One command in an environment and a folder, upon terminals of an encoding: its exit code and output."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="") for _ in range(2))
    arguments = ["jifen", *words]
    with (
        patch.dict(os.environ, env, clear=True),
        patch.multiple(sys, argv=arguments, stdout=out, stderr=err),
        chdir(cwd),
    ):
        write_what_cannot_be_shown_as_escapes()
        try:
            leave_with((lambda: sys.exit(explain(list(words)))) if explain_is_asked(words) else app)
        except SystemExit as end:
            code = end.code
        for stream in (out, err):
            stream.flush()
    return CompletedProcess(arguments, int(code or 0), out.buffer.getvalue(), err.buffer.getvalue())
