"""A new source file that reads as it stands: every kind of access, with comments on what to change."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from textwrap import indent

from connectors.errors import ConfigError
from ledger.files import write_durably
from ledger.yaml_file import read_yaml

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""A source's name is a file, a dbt source and the beginning of variables."""


@cache
def parts() -> Mapping[str, Mapping[str, str]]:
    """For each part of a source file (connection, auth, request, paginator, decoder) the text of each kind of it."""
    found: dict[str, Mapping[str, str]] = read_yaml(Path(__file__).with_name("new_source.yml").read_bytes())
    return found


KINDS = {
    "driver": tuple(parts()["connection"]),
    "auth": tuple(parts()["auth"]),
    "paginator": tuple(parts()["paginator"]),
    "decoder": tuple(kind for kind in parts()["decoder"] if kind != "database"),
}
"""What may be asked for: what has a text in `new_source.yml`."""


_OF_ANY_FORM = ("single", "cursor_header", "link_header")
"""The paginators that need not look into the body, once `single` compares no total."""


def new_source(name: str, folder: Path, **kinds: str | None) -> Path:
    """Write `<folder>/<name>.yml` and answer its path; what is there already is refused. `kinds`: as `source_text`."""
    path = folder / f"{name}.yml"
    text = source_text(name, **kinds)
    if path.exists() or path.is_symlink():
        raise ConfigError(
            "is there already, and is never overwritten.", str(path), "choose another name, or move it away"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, text.encode(), mode=0o644)
    return path


def source_text(
    name: str,
    *,
    driver: str | None = None,
    paginator: str | None = None,
    auth: str | None = None,
    decoder: str | None = None,
) -> str:
    """The text of a new source file; kinds that do not go together are refused."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "a name begins with a small letter and holds small letters, digits and underscores, 40 at most.",
            "jifen source new",
            "jifen source new land",
        )
    driver = driver or "rest"
    if driver == "rest":
        paginator = paginator or ("page_number" if decoder in (None, "json") else "single")
        auth = auth or "api_key"
    decoder = decoder or {"rest": "json", "database": "json"}.get(driver, "csv")
    _require_known({"driver": driver, "decoder": decoder, "paginator": paginator, "auth": auth})
    _require_together(name, driver, paginator, auth, decoder)
    chosen = {
        "connection": parts()["connection"][driver],
        "auth": _of_kind("auth", auth),
        "request": parts()["request"]["post_token" if paginator == "post_token" else driver],
        "paginator": _of_kind("paginator", paginator),
        "decoder": f"kind: {decoder}\n" + parts()["decoder"]["database" if driver == "database" else decoder],
    }
    if paginator == "single" and decoder != "json":
        chosen["paginator"] = "paginator: {kind: single}"
    lines: list[str] = []
    for line in str(parts()["file"]).splitlines():
        part = chosen.get(line.strip().removeprefix("$"))
        lines += [line] if part is None else indent(part, line[: len(line) - len(line.lstrip())]).splitlines()
    words = {"name": name, "NAME": name.upper(), "driver": driver, "decoder_kind": decoder}
    return Template("\n".join(lines) + "\n").substitute(words)


def _of_kind(part: str, kind: str | None) -> str:
    return f"{part}:\n  kind: {kind}\n{indent(parts()[part][kind], '  ')}" if kind else ""


def _require_known(asked: Mapping[str, str | None]) -> None:
    for part, kind in asked.items():
        if kind is not None and kind not in KINDS[part]:
            raise ConfigError(f"no such {part}; there are {', '.join(KINDS[part])}.", "jifen source new", "name one")


def _require_together(name: str, driver: str, paginator: str | None, auth: str | None, decoder: str) -> None:
    fault = None
    if driver != "rest" and (paginator or auth):
        fault = f"paginator and auth go with driver rest; driver {driver} has neither"
    elif driver == "database" and decoder != "json":
        fault = "driver database gives JSON"
    elif paginator not in (None, *_OF_ANY_FORM) and decoder != "json":
        fault = f"paginator {paginator} reads from JSON; {', '.join(_OF_ANY_FORM)} go with any decoder"
    if fault:
        raise ConfigError(f"{fault}.", name, "leave the option out")
