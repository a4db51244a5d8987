"""The secrets of a source, in every form in which it could appear, and the search for them in files and output."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.drivers.auth import Basic, MutualTls
from connectors.spec import DatabaseConnection, RestConnection, SftpConnection, Source
from connectors.strict import OPEN_FIELDS, Variable

SHORTEST = 5
"""A shorter secret would be found in any text by chance; it is named as not searched for."""


class Secret(NamedTuple):
    """One secret: the variable that holds it, and the byte sequences to search for."""

    variable: str
    forms: tuple[bytes, ...]


def _variables(source: Source) -> dict[str, str]:
    """Field -> variable of a source's connection; of its `auth` where it is a REST connection."""
    connection = source.connection
    part = connection.auth if isinstance(connection, RestConnection) else connection
    return {f: value.env for f in type(part).model_fields if isinstance(value := getattr(part, f), Variable)}


def secret_variables(source: Source) -> dict[str, str]:
    """Field -> variable of every secret that a source's connection names; the `url` of a database contains one."""
    return {field: variable for field, variable in _variables(source).items() if field not in OPEN_FIELDS}


def tried_variables(source: Source) -> dict[str, str]:
    """Field -> variable of everything that must be right for the agency to accept us; addresses are not among them."""
    connection, named = source.connection, _variables(source)
    if isinstance(connection, SftpConnection):
        proof = "password" if connection.key is None else "key"
        return {field: named[field] for field in ("user", proof, "host_key")}
    return named if isinstance(connection, (RestConnection, DatabaseConnection)) else {}


def secrets_of(source: Source, env: Mapping[str, str]) -> list[Secret]:
    """Every secret of a source with the forms to search for; one too short to search for has none."""
    found = []
    for field, variable in secret_variables(source).items():
        texts = _texts(source, field, env.get(variable, ""), env)
        forms = {form for text in texts if len(text) >= SHORTEST for form in _forms(text)}
        found.append(Secret(variable, tuple(sorted(forms))))
    return found


def _texts(source: Source, field: str, value: str, env: Mapping[str, str]) -> Iterator[str]:
    """What is secret about a value: the password in a URL, the lines of a key file, else all of it."""
    connection = source.connection
    auth = connection.auth if isinstance(connection, RestConnection) else None
    if isinstance(connection, DatabaseConnection):
        if password := urlsplit(value).password:
            yield from (value, password)
    elif isinstance(auth, MutualTls) or (isinstance(connection, SftpConnection) and field == "key"):
        if field == "key" and Path(value).is_file():
            # The last line of a key may be a few characters, which stand in other files too.
            lines = Path(value).read_text(encoding="ascii", errors="replace").splitlines()
            yield from (line for line in lines if len(line) > 30 and not line.startswith("-----"))
    else:
        yield value
        if isinstance(auth, Basic):
            yield base64.b64encode(f"{env.get(auth.user.env, '')}:{value}".encode()).decode()


def _forms(text: str) -> set[bytes]:
    quoted = {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)}
    written = {text, quote(text, safe=""), quote_plus(text), *quoted}
    return {form.encode() for form in written} | {base64.b64encode(text.encode()).rstrip(b"=")}


def pattern_of(secrets: list[Secret]) -> re.Pattern[bytes] | None:
    """One pattern that matches any form of any secret; None where there is nothing to search for."""
    forms = sorted({form for secret in secrets for form in secret.forms}, key=len, reverse=True)
    return re.compile(b"|".join(map(re.escape, forms))) if forms else None


def found_in_folder(folder: Path, pattern: re.Pattern[bytes]) -> list[str]:
    """The files of a folder that hold a secret in their bytes, their decompressed content or their name."""
    hits = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if pattern.search(name.encode()) or (path.is_file() and any(map(pattern.search, _contents(path)))):
            hits.append(pattern.sub(b"***", name.encode()).decode())
    return hits


def _contents(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    if path.suffix == ".zst":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            yield stream.read()
    elif path.suffix == ".parquet":
        yield repr(pq.read_table(path, partitioning=None).to_pylist()).encode("utf-8", "backslashreplace")
