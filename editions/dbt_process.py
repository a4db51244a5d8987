"""dbt, in a process that ends with the one that started it, however that ends: what it builds would not be read."""

import gc
import os
import sys
import threading
from functools import cache
from typing import Any


def main() -> None:
    """Run dbt's command line; the first argument is the end of a pipe that the starting process holds open."""
    watched = int(sys.argv.pop(1))
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    # A build ends within minutes and leaves some 50 MB of cycles; collecting them takes a twentieth of a small one.
    gc.disable()
    _drop_debug_events()
    from dbt.cli.main import cli

    _keep_what_is_the_same()
    _write_the_manifest_once()
    cli()


def _drop_debug_events() -> None:
    """Drop the events that are not logged: dbt makes a message of each of some 20,000, a tenth of a small build."""
    from dbt_common.events import event_manager_client
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.event_manager import EventManager

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


def _end_with(watched: int) -> None:
    # Nothing is ever written to the pipe: its end is reached when the process that holds the other end is gone.
    os.read(watched, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
