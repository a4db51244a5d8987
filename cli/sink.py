"""`jifen sink`: the recipients, whether each could be served tonight, and a trial against a stand-in."""

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from cli import show
from cli.command import Json, fail, misused, new_group, require_known
from cli.sink_check import check_sinks, contract_columns
from connectors import age, gm
from connectors.drivers.addresses import checked_addresses, read_host, read_port
from connectors.drivers.webhook import prepared
from connectors.drivers.webhook_signature import new_secret, signed_headers
from connectors.errors import ConfigError
from connectors.openpgp import ENCRYPT, SIGN, usable
from connectors.sink_files import SINKS_DIR, UNDECIDED, ExtractSink, NoticeSink, ReturnsSink, Sink, read_sinks
from connectors.source_files import read_sources
from flows.packages import key_file
from ledger.settings import PROJECT_DIR, MissingVariableError, Settings

app = new_group()

Names = Annotated[list[str] | None, typer.Argument(help="Recipients by name; all without.")]
Folder = Annotated[Path | None, typer.Option(help="The sink files of this folder instead of connectors/sinks.")]


@app.command("list")
def list_sinks(as_json: Json = False) -> None:
    """List every recipient: what it gets, in which form, sealed or not, and when it answers."""
    show.show_rows("Recipients 接收方", [_listed(sink) for sink in read_sinks()], COLUMNS, as_json)


COLUMNS = ("recipient", "title", "kind", "gets", "format", "sealed", ("answers in working days", "answers"))
_SEALS = {"openpgp": "OpenPGP", "age": "age", "gm": "jifen-gm-1"}


def _listed(sink: Sink) -> dict[str, Any]:
    row: dict[str, Any] = {"recipient": sink.name, "title": f"{sink.title.zh} {sink.title.en}", "kind": sink.kind}
    if not isinstance(sink, ExtractSink):
        return row
    seal = _SEALS[sink.sealed.kind] if sink.sealed else f"no: {sink.unsealed}"
    answers = sink.acknowledged.working_days if sink.acknowledged else None
    return {**row, "gets": ", ".join(sink.tables), "format": sink.format, "sealed": seal, "answers": answers}


@app.command("check")
def check(names: Names = None, folder: Folder = None, as_json: Json = False) -> None:
    """Check each recipient: columns, variables, keys, addresses. Nothing is sent. Exit code 1 where one fails."""
    lines = [_CHECKS[sink.kind](sink) for sink in _named(names, folder)]
    show.show_rows("Recipients 接收方", lines, ("recipient", "state", "message"), as_json)
    if any(line["state"] == "failed" for line in lines):
        raise typer.Exit(1)


def _named(names: list[str] | None, folder: Path | None) -> list[Sink]:
    known = {sink.name: sink for sink in read_sinks(folder or SINKS_DIR)}
    require_known("recipient", names or (), sorted(known))
    return [known[name] for name in names or known]


def _chosen(names: list[str] | None, folder: Path | None) -> list[ExtractSink]:
    chosen = _named(names, folder)
    if names and (others := [sink.name for sink in chosen if not isinstance(sink, ExtractSink)]):
        misused(f"{others[0]} gets no packages, which are what is tried here. Next: jifen sink check {others[0]}")
    return [sink for sink in chosen if isinstance(sink, ExtractSink)]


def _checked(sink: ExtractSink) -> dict[str, Any]:
    (found,) = check_sinks([sink])
    problems = [found["message"]] if found["message"] else []
    if missing := _missing(sink):
        problems.append(_not_set(missing))
    elif sink.sealed and sink.sealed.kind != "openpgp":
        try:
            ours, theirs = (key_file(one, sink.name) for one in (sink.sealed.signing_key, sink.sealed.recipient_keys))
            (age if sink.sealed.kind == "age" else gm).usable(ours, theirs, sink.name)
        except ConfigError as error:
            problems.append(str(error))
    elif sink.sealed:
        for variable, purpose, is_secret in (
            (sink.sealed.signing_key, SIGN, True),
            (sink.sealed.recipient_keys, ENCRYPT, False),
        ):
            try:
                usable(Path(os.environ[variable.env]).expanduser(), purpose, sink.name, is_secret=is_secret)
            except ConfigError as error:
                problems.append(str(error))
    return _line(sink, problems, None if sink.sealed else f"unsealed: {sink.unsealed}")


def _checked_returns(sink: ReturnsSink) -> dict[str, Any]:
    """Variables, and whether there is such a source: an agency gets the returns of its own records."""
    problems = [_not_set(missing)] if (missing := _missing(sink)) else []
    if sink.source not in (there := [source.name for source in read_sources()]):
        what = f"there is no source {sink.source}; there are {', '.join(there)}"
        problems.append(f"{sink.place}: {what}. Whose: config. Next: fix it")
    return _line(sink, problems)


def _line(sink: Sink, problems: list[str], note: str | None = None) -> dict[str, Any]:
    return {
        "recipient": sink.name,
        "state": "failed" if problems else "ok",
        "message": "; ".join(problems) or note,
    }


def _missing(sink: Sink) -> list[str]:
    return [name for name in sink.variables() if not os.environ.get(name)]


def _not_set(missing: list[str]) -> str:
    return f"{', '.join(missing)} not set. Whose: config. Next: set it in .env (see .env.example)"


NOT_FOUND = "Whose: config, or transient. Next: compare its address with the channel's people, then jifen sink check"


def _checked_channel(sink: NoticeSink) -> dict[str, Any]:
    """Variables, the secret, and whether messages may go to the address."""
    missing = _missing(sink)
    if sink.kind == "alert" and len(missing) == len(sink.variables()):
        return _line(sink, [], "no channel: none of its variables is set")
    try:
        if missing:
            raise MissingVariableError(missing, sink.name, f"jifen sink check {sink.name}")
        if not sink.is_text and (secret := sink.posted_to.secret):
            signed_headers("check", 0, b"", os.environ[secret.env], secret.env, sink.name)
        mailed = sink.mailed_to if sink.driver == "mail" else None
        if mailed is not None:
            read_port(mailed.port, sink.name)
        else:
            prepared(sink, os.environ[sink.posted_to.url.env], {}, b"")
        host = read_host(mailed.host, sink.name) if mailed else urlsplit(os.environ[sink.posted_to.url.env]).hostname
        checked_addresses(host or "", 0, Settings(), sink.name)
    except OSError:
        return _line(sink, [f"{sink.name}: its host is not found. {NOT_FOUND}"])
    except (ConfigError, MissingVariableError, ValueError) as error:
        return _line(sink, [str(error)])
    return _line(sink, [])


_CHECKS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "extract": _checked,
    "notice": _checked_channel,
    "alert": _checked_channel,
    "returns": _checked_returns,
}


@app.command("test")
def try_sinks(names: Names = None, folder: Folder = None, as_json: Json = False) -> None:
    """Send made-up rows to a stand-in made from each sink file, and load them there. No real recipient is contacted.

    Exit code 1 where a package did not arrive, or was not loaded there as it was sent.
    """
    from cli.sink_test import try_sink

    lines = [try_sink(sink) for sink in _chosen(names, folder)]
    show.show_rows("Trials 试运行", lines, ("recipient", "state", "package", "rows", "message"), as_json)
    if any(line["state"] != "ok" for line in lines):
        raise typer.Exit(1)


@app.command("secret")
def secret(
    is_private: Annotated[bool, typer.Option("--ed25519", help="A key pair: the channel gets the public key.")] = False,
    as_json: Json = False,
) -> None:
    """Make a secret that signs messages to a channel, by Standard Webhooks; it is shown once and kept nowhere."""
    ours, theirs = new_secret(is_private=is_private)
    row = {"secret": ours} | ({"for the channel": theirs} if is_private else {})
    show.show_rows("Secret 密钥", [row], tuple(row), as_json, whole=tuple(row))
    if not as_json:
        whose = "the second to the channel's people" if is_private else "the same to the channel's people"
        show.console.print(
            f"Next: put the secret into the variable that the channel's sink file names, in .env; give {whose}, by "
            "telephone or a sealed letter; then jifen sink check"
        )


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="The recipient: the name that consents give it.")],
    extract: Annotated[list[str], typer.Option(help="An extract that it is to get; may stand several times.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the file; connectors/sinks otherwise.")] = None,
) -> None:
    """Begin a sink file. Every column is left out until a person decides on it; check names what is to be filled in."""
    contracts = contract_columns()
    require_known("extract", extract, contracts)
    path = (out or SINKS_DIR) / f"{name}.yml"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        misused(f"{name} is no name of a recipient: small letters, digits and _")
    if path.exists():
        fail(f"{path} is there already and is not replaced")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_draft(name, {one: contracts[one] for one in extract}), encoding="utf-8")
    (drafted,) = (sink for sink in read_sinks(path.parent) if sink.name == name)
    there = f" --folder {shlex.quote(str(out))}" if out else ""
    steps = [
        f"fill in what says {UNDECIDED}",
        f"jifen sink test {name}{there}",
        f"set in .env, and name in .env.example: {', '.join(drafted.variables())}",
        f"jifen sink check {name}{there}",
    ]
    if out:
        steps.append(f"move it to {SINKS_DIR.relative_to(PROJECT_DIR)}: the next night serves what lies there")
    live = "It is live: each night owes it a package, and ends with exit code 1 until one can be sent."
    show.show_written(path, steps, None if out else live)


def _draft(name: str, tables: dict[str, list[str]]) -> str:
    env = name.upper()
    keys = "\n".join(
        f"  {one}: {{env: {env}_SFTP_{one.upper()}}}" for one in ("host", "port", "user", "password", "host_key")
    )
    lines = []
    for table, columns in tables.items():
        lines += [f"  {table}:", "    fields: [uscc]", "    omitted:"]
        lines += [f"      {column}: {UNDECIDED}" for column in columns if column != "uscc"]
    return f"""# Which rows go is decided by enterprises' consents to {name}; docs/banks.md says what each word means.
# connectors/sinks/bank_a.yml is one that is filled in.
title: {{zh: {UNDECIDED}, en: {UNDECIDED}}}
kind: extract
driver: sftp
connection:
{keys}
folder: inbox
format: csv
sealed:
  signing_key: {{env: DELIVERY_SIGNING_KEY_FILE}}
  recipient_keys: {{env: {env}_OPENPGP_KEYS_FILE}}
acknowledged: {{folder: acks, working_days: 2}}
purposes: [{UNDECIDED}]           # in the words of the consents: 授信评估
legal_basis: {UNDECIDED}          # in Chinese and English
issuer: {{zh: {UNDECIDED}, en: {UNDECIDED}}}
tables:
{chr(10).join(lines)}
"""
