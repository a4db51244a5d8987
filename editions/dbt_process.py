"""dbt, in a process that ends with the one that started it, however that ends: what it builds would not be read."""

import gc
import json
import os
import sys
import threading
from functools import cache, cached_property
from pathlib import Path
from typing import Any


def main() -> None:
    """Import dbt, then wait for one order on a pipe that the starting process holds open, and carry it out.

    The argument is the reading end of the pipe; `editions.dbt` writes the order.
    """
    orders = os.fdopen(int(sys.argv[1]), "rb")
    # A build ends within minutes and leaves some 50 MB of cycles; collecting them takes a twentieth of a small one.
    gc.disable()
    try:
        _drop_debug_events()
        import dbt.adapters.duckdb  # noqa: F401 - dbt imports it once it has read its profile
        from dbt.cli.main import cli

        _keep_what_is_the_same()
        _write_the_manifest_once()
        make_schemas()
    finally:
        # Also where dbt cannot be imported: the error belongs in the log, which the order names.
        if line := orders.readline():
            threading.Thread(target=_end_with, args=(orders.fileno(),), daemon=True).start()
            _prepare(**json.loads(line))
    if line:
        cli()


def _prepare(arguments: list[str], environment: dict[str, str], folder: str, log: str) -> None:
    sys.argv[1:] = arguments
    os.environ.update(environment)
    os.chdir(folder)
    with Path(log).open("ab") as output:
        for standard in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), standard.fileno())


def _drop_debug_events() -> None:
    """Drop the events that are not logged, and fill an event only where it is read.

    dbt makes a message of each of some 20,000, a sixth of a small build.
    """
    from dbt_common.events import event_manager_client
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    fill = BaseEvent.__init__

    def keep(event: Any, *given: Any, **named: Any) -> None:
        event.__dict__["given"] = given, named

    def filled(event: Any) -> Any:
        given, named = event.__dict__["given"]
        fill(event, *given, **named)
        return event.__dict__["pb_msg"]

    content = cached_property(filled)
    content.__set_name__(BaseEvent, "pb_msg")
    for name, value in (("__init__", keep), ("pb_msg", content)):
        setattr(BaseEvent, name, value)

    class WithoutDebug(EventManager):
        def fire_event(self, e: Any, level: EventLevel | None = None, *others: Any, **named: Any) -> None:
            if (level or e.level_tag()) != EventLevel.DEBUG:
                super().fire_event(e, level, *others, **named)

    event_manager_client.ctx_set_event_manager(WithoutDebug())


def _keep_what_is_the_same() -> None:
    """Make once what dbt makes again for each node and statement, although it never changes."""
    from dbt.context import base
    from dbt_common.clients import agate_helper

    for module, name in ((base, "get_context_modules"), (agate_helper, "empty_table")):
        setattr(module, name, cache(getattr(module, name)))


def _write_the_manifest_once() -> None:
    """Skip the `manifest.json` that dbt writes before a build: the one after it, with compiled SQL, replaces it."""
    import dbt.task.runnable  # noqa: F401 - it writes the last one, by a name of its own
    from dbt.parser import manifest

    setattr(manifest, "write_manifest", lambda *_: None)  # noqa: B010 - mypy forbids the plain assignment


def make_schemas() -> None:
    """Make the schemas by which dbt checks its settings in each build, while a night still pulls; dbt keeps them."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.artifacts.resources.v1.config import Hook
    from dbt.contracts.project import Configuration, PackageConfig, ProfileConfig, Project, ProjectFlags
    from dbt.contracts.selection import SelectorFile

    settings = (Configuration, PackageConfig, ProfileConfig, Project, ProjectFlags, DuckDBCredentials)
    for one in (*settings, Hook, SelectorFile):
        one.json_schema()


def _end_with(watched: int) -> None:
    # Nothing follows the order: the end of the pipe is reached when the process that holds the other end is gone.
    os.read(watched, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
