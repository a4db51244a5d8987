"""A new source file that reads as it stands: every kind of access, with comments on what to change."""

import re
from pathlib import Path
from typing import Any

from connectors.errors import ConfigError
from connectors.raw import write_durably
from connectors.yaml_text import Noted, comment_lines, yaml_lines

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""A source's name is a file, a dbt source and the beginning of variables."""

DRIVERS = ("rest", "sftp", "folder", "database")

_SIZE = {
    "size_param": Noted("size", "the parameter for the number of records a page, and the most they allow"),
    "size": 500,
}
_TOTAL = {"total": Noted("total", "where the answer declares how many records there are in all")}

PAGINATORS: dict[str, dict[str, Any]] = {
    "page_number": {"page_param": "page", **_SIZE, **_TOTAL},
    "offset": {"offset_param": "offset", **_SIZE, **_TOTAL},
    "cursor_body": {"cursor_param": "cursor", **_SIZE, "next": Noted("next", "where the answer holds the next cursor")},
    "cursor_header": {"cursor_param": "cursor", **_SIZE, "header": "X-Next-Cursor"},
    "next_link": {"next": Noted("next", "where the answer holds the address of the next page")},
    "link_header": {},
    "keyset": {
        "after_param": "after",
        **_SIZE,
        "cursor": Noted("id", "the agency's field whose value ascends; order: text where it is no number"),
    },
    "post_token": {
        "token_field": Noted("token", "the field of the body we post"),
        **_SIZE,
        "next": Noted("next", "where the answer holds the next token"),
    },
    "single": {"total": Noted("total", "take this line out where the answer declares no total")},
    "time_window": {
        "from_param": "from",
        "to_param": "to",
        "start": Noted("2020-01-01", "the first day that has records"),
        "cap": Noted(10000, "how many records they let one page through"),
        "inner": {"kind": "page_number", "page_param": "page", "size_param": "size", "size": 500, "total": "total"},
    },
}
"""Kind -> what it needs, with names to be replaced by the agency's own."""

AUTHS: dict[str, dict[str, Any]] = {
    "none": {},
    "bearer": {"token": "TOKEN"},
    "api_key": {"header": Noted("X-Api-Key", "or param: the name in the query"), "key": "API_KEY"},
    "basic": {"user": "USER", "password": "PASSWORD"},
    "oauth2_client_credentials": {
        "token_path": "/oauth/token",
        "client_id": "CLIENT_ID",
        "client_secret": "CLIENT_SECRET",
    },
    "session_login": {
        "login_path": "/login",
        "user_field": "username",
        "password_field": "password",
        "user": "USER",
        "password": "PASSWORD",
        "token": Noted("data.token", "where the answer holds the token; take it out where a cookie is all there is"),
    },
    "signed": {"app_key": "APP_KEY", "app_secret": "APP_SECRET"},
    "mutual_tls": {"certificate": "CERTIFICATE", "key": "CERTIFICATE_KEY"},
}
"""Kind -> what it needs; words in capitals are the ends of variable names."""

DECODERS: dict[str, dict[str, Any]] = {
    "json": {"records": Noted("items", "where the list of records stands; take it out where the answer is the list")},
    "jsonl": {},
    "csv": {"encoding": Noted("utf-8", "or gb18030, gbk, utf-16, or a list of those they use"), "delimiter": ","},
    "xml": {"record": Noted("rows/row", "the tags from below the root down to one record")},
    "xlsx": {"header_row": 1},
    "parquet": {},
}

_CONNECTIONS: dict[str, dict[str, str]] = {
    "rest": {"base_url": "BASE_URL"},
    "sftp": {
        "host": "SFTP_HOST",
        "port": "SFTP_PORT",
        "user": "SFTP_USER",
        "password": "SFTP_PASSWORD",
        "host_key": "SFTP_HOST_KEY",
    },
    "folder": {"path": "FOLDER"},
    "database": {"url": "DATABASE_URL"},
}
_ENDINGS = {"json": "json", "jsonl": "jsonl", "csv": "csv", "xml": "xml", "xlsx": "xlsx", "parquet": "parquet"}


def new_source(
    name: str,
    folder: Path,
    *,
    driver: str = "rest",
    paginator: str | None = None,
    auth: str | None = None,
    decoder: str | None = None,
) -> Path:
    """Write `<folder>/<name>.yml` and answer its path; what is there already, or does not go together, is refused."""
    path = folder / f"{name}.yml"
    text = source_text(name, driver=driver, paginator=paginator, auth=auth, decoder=decoder)
    write_new(path, text)
    return path


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; one that is there is somebody's work, and a `ConfigError`."""
    if path.exists() or path.is_symlink():
        raise ConfigError(
            "is there already, and is never overwritten.", str(path), "choose another name, or move it away"
        )
    if not path.parent.is_dir():
        raise ConfigError("the folder is not there.", str(path.parent), "make it, or name another one")
    write_durably(path, text.encode())


def source_text(
    name: str,
    *,
    driver: str = "rest",
    paginator: str | None = None,
    auth: str | None = None,
    decoder: str | None = None,
) -> str:
    """The text of a new source file."""
    check_name(name)
    _known("driver", driver, DRIVERS)
    if driver == "rest":
        paginator, auth = paginator or "page_number", auth or "api_key"
    decoder = decoder or {"rest": "json", "database": "json"}.get(driver, "csv")
    _goes_together(name, driver, paginator, auth, decoder)
    connection = {key: {"env": f"{name}_{end}".upper()} for key, end in _CONNECTIONS[driver].items()}
    if auth is not None:
        connection["auth"] = {"kind": auth, **_with_variables(name, AUTHS[auth])}
    meta = {
        "agency": Noted({"zh": f"{name} 局", "en": name}, "the names people read"),
        "driver": driver,
        "connection": Noted(connection, "names of variables, never values"),
    }
    entry = {
        "name": name,
        "description": Noted(
            f"{name} agency: what it gives, how it is reached, what it is keyed by.", "in a sentence or two"
        ),
        "config": {"meta": meta},
        "tables": [_table(driver, paginator, decoder)],
    }
    head = comment_lines(
        f"{name}: written by jifen source new. Each line with a comment above wants a look; docs/adding.md explains."
    )
    return "\n".join([*head, *yaml_lines({"version": 2, "sources": [entry]})]) + "\n"


def check_name(name: str) -> None:
    """A source is named like its file and its dbt source: small letters, digits, underscores."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "a name begins with a small letter and holds small letters, digits and underscores, 40 at most.",
            "jifen source new",
            "jifen source new land",
        )


def _known(what: str, kind: str, kinds: Any) -> None:
    if kind not in kinds:
        raise ConfigError(f"no such {what}; there are {', '.join(kinds)}.", "jifen source new", "name one of them")


def _goes_together(name: str, driver: str, paginator: str | None, auth: str | None, decoder: str) -> None:
    _known("decoder", decoder, DECODERS)
    if paginator is not None:
        _known("paginator", paginator, PAGINATORS)
    if auth is not None:
        _known("auth", auth, AUTHS)
    fault = None
    if driver != "rest" and (paginator or auth):
        fault = f"paginator and auth go with driver rest; driver {driver} has neither"
    elif driver == "database" and decoder != "json":
        fault = "driver database gives JSON"
    elif paginator == "keyset" and decoder != "json":
        fault = "paginator keyset reads ids from JSON records"
    if fault:
        raise ConfigError(f"{fault}.", name, "leave the option out")


def _with_variables(name: str, parts: dict[str, Any]) -> dict[str, Any]:
    """Words in capitals become variables: `API_KEY` of source land is `{env: LAND_API_KEY}`."""
    return {
        key: {"env": f"{name}_{value}".upper()} if isinstance(value, str) and value.isupper() else value
        for key, value in parts.items()
    }


def _table(driver: str, paginator: str | None, decoder: str) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "critical": Noted(False, "true: no publication without it"),
        "coverage": Noted("partial", "full: an enterprise that is absent has none; partial: we do not know"),
        "load": Noted("snapshot", "snapshot: the newest whole read counts; upsert: the newest record for each key"),
        "key": ["record_no"],
        "request": _request(driver, paginator, decoder),
    }
    if paginator is not None:
        meta["paginator"] = {"kind": paginator, **PAGINATORS[paginator]}
    meta["decoder"] = (
        {"kind": "json", "records": "rows"} if driver == "database" else {"kind": decoder, **DECODERS[decoder]}
    )
    meta |= {
        "volume": Noted({"floor": 1, "ceiling": 100000}, "about 80 per cent and twice of what a healthy night holds"),
        "freshness": Noted(
            {"column": "updated_on", "days": 400}, "how old the newest record may be; or {unwatched: why}"
        ),
        "continuity": Noted({"shrink_pct": 30}, "or {column, period: month} for no gaps; or {unwatched: why}"),
    }
    columns = [
        {"name": "record_no", "data_type": "varchar", "config": {"meta": {"field": "recordNo", "required": True}}},
        {
            "name": "uscc",
            "data_type": "varchar",
            "config": {"meta": {"field": "uscc", "required": True, "check": "uscc"}},
        },
        {
            "name": "amount_cny",
            "data_type": "decimal(20, 2)",
            "config": {"meta": {"field": "amount", "unit": "元", "min": 0}},
        },
        {"name": "updated_on", "data_type": "date", "config": {"meta": {"field": "updatedOn"}}},
    ]
    return {
        "name": Noted("records", "the dataset, and what one row of it is"),
        "description": "What this is, in their words. One row per record.",
        "config": {"meta": meta},
        "columns": Noted(columns, "field is the agency's name; the rules: docs/adding.md, What a column may say"),
    }


def _request(driver: str, paginator: str | None, decoder: str) -> dict[str, Any]:
    if driver == "database":
        return {"table": "records", "size": 10000}
    if driver == "rest":
        return {
            "path": Noted("/records", "below the base address"),
            **({"method": "POST"} if paginator == "post_token" else {}),
        }
    return {
        "folder": "outbox",
        "pattern": f"records_*.{_ENDINGS[decoder]}",
        "ready": Noted(
            {"kind": "stable_size", "seconds": 2}, "or {kind: flag, suffix: .ok}, {kind: manifest, pattern}"
        ),
    }
