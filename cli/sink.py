"""`jifen sink`: the recipients, whether each could be served tonight, and a trial against a stand-in."""

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from cli import show
from cli.command import Json, fail, misused, new_group, require_known
from cli.sink_check import check_sinks, contract_columns
from connectors import age
from connectors.drivers.addresses import checked_addresses
from connectors.drivers.webhook import prepared
from connectors.drivers.webhook_signature import new_secret, signed_headers
from connectors.errors import ConfigError
from connectors.openpgp import ENCRYPT, SIGN, usable
from connectors.sink_files import SINKS_DIR, ExtractSink, NoticeSink, Sink, read_sinks
from flows.packages import key_file
from ledger.settings import PROJECT_DIR, MissingVariableError, Settings

app = new_group()

Names = Annotated[list[str] | None, typer.Argument(help="Recipients by name; all without.")]


@app.command("list")
def list_sinks(as_json: Json = False) -> None:
    """List every recipient: what it gets, in which form, sealed or not, and when it answers."""
    show.show_rows("Recipients 接收方", [_told(sink) for sink in read_sinks()], COLUMNS, as_json)


COLUMNS = ("recipient", "title", "kind", "gets", "format", "sealed", ("answers in working days", "answers"))


def _told(sink: Sink) -> dict[str, Any]:
    told: dict[str, Any] = {"recipient": sink.name, "title": f"{sink.title.zh} {sink.title.en}", "kind": sink.kind}
    if not isinstance(sink, ExtractSink):
        return told
    seal = {"openpgp": "OpenPGP", "age": "age"}[sink.sealed.kind] if sink.sealed else f"no: {sink.unsealed}"
    answers = sink.acknowledged.working_days if sink.acknowledged else None
    return {**told, "gets": ", ".join(sink.tables), "format": sink.format, "sealed": seal, "answers": answers}


@app.command("check")
def check(names: Names = None, as_json: Json = False) -> None:
    """Check each recipient: columns, variables, keys, addresses. Nothing is sent. Exit code 1 where one fails."""
    sinks = [sink for sink in read_sinks() if isinstance(sink, ExtractSink | NoticeSink)]
    require_known("recipient", names or (), [sink.name for sink in sinks])
    wanted = [sink for sink in sinks if not names or sink.name in names]
    lines = [_checked(sink) if isinstance(sink, ExtractSink) else _checked_channel(sink) for sink in wanted]
    show.show_rows("Recipients 接收方", lines, ("recipient", "state", "message"), as_json)
    if any(line["state"] == "failed" for line in lines):
        raise typer.Exit(1)


def _chosen(names: list[str] | None) -> list[ExtractSink]:
    known = {sink.name: sink for sink in read_sinks()}
    require_known("recipient", names or (), sorted(known))
    chosen = [known[name] for name in names or known]
    if names and (others := [sink for sink in chosen if not isinstance(sink, ExtractSink)]):
        follows = f"jifen sink check {others[0].name}" if isinstance(others[0], NoticeSink) else "jifen returns list"
        misused(f"{others[0].name} gets no packages, and packages are what is tried here. Next: {follows}")
    return [sink for sink in chosen if isinstance(sink, ExtractSink)]


def _checked(sink: ExtractSink) -> dict[str, Any]:
    (found,) = check_sinks([sink])
    problems = [found["message"]] if found["message"] else []
    if missing := [name for name in sink.variables() if not os.environ.get(name)]:
        problems.append(f"{', '.join(missing)} not set. Whose: config. Next: set it in .env (see .env.example)")
    elif sink.sealed and sink.sealed.kind == "age":
        try:
            ours, theirs = (key_file(one, sink.name) for one in (sink.sealed.signing_key, sink.sealed.recipient_keys))
            age.usable(ours, theirs, sink.name)
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
    said = "; ".join(problems) or (None if sink.sealed else f"unsealed: {sink.unsealed}")
    return {"recipient": sink.name, "state": "failed" if problems else "ok", "message": said}


NOT_FOUND = "Whose: config, or transient. Next: compare its address with the channel's people, then jifen sink check"


def _checked_channel(sink: NoticeSink) -> dict[str, Any]:
    """Variables, the secret, and whether messages may go to the address."""
    line: dict[str, Any] = {"recipient": sink.name, "state": "ok", "message": None}
    missing = [name for name in sink.variables() if not os.environ.get(name)]
    if sink.kind == "alert" and len(missing) == len(sink.variables()):
        return line | {"message": "no channel: none of its variables is set"}
    try:
        if missing:
            raise MissingVariableError(missing, sink.name)
        if not sink.is_text and (secret := sink.posted_to.secret):
            signed_headers("check", 0, b"", os.environ[secret.env], secret.env, sink.name)
        mailed = sink.mailed_to if sink.driver == "mail" else None
        if mailed is None:
            prepared(sink, os.environ[sink.posted_to.url.env], {}, b"")
        host = os.environ[mailed.host.env] if mailed else urlsplit(os.environ[sink.posted_to.url.env]).hostname
        checked_addresses(host or "", 0, Settings(), sink.name)
    except OSError:
        return line | {"state": "failed", "message": f"{sink.name}: its host is not found. {NOT_FOUND}"}
    except (ConfigError, MissingVariableError, ValueError) as error:
        return line | {"state": "failed", "message": str(error)}
    return line


@app.command("test")
def try_sinks(names: Names = None, as_json: Json = False) -> None:
    """Send made-up rows to a stand-in recipient made from each file, and load them at its end. No real one is asked.

    Exit code 1 where a package did not arrive, or did not say at the other end what was sent.
    """
    from cli.sink_test import try_sink

    lines = [try_sink(sink) for sink in _chosen(names)]
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
    told = {"secret": ours} | ({"for the channel": theirs} if is_private else {})
    show.show_rows("Secret 密钥", [told], tuple(told), as_json, whole=tuple(told))
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
) -> None:
    """Begin a sink file. Every column is left out until somebody decides on it; check names what is to be filled in."""
    contracts = contract_columns()
    require_known("extract", extract, contracts)
    path = SINKS_DIR / f"{name}.yml"
    if not name.isidentifier() or name != name.lower():
        misused(f"{name} is no name of a recipient: small letters, digits and _")
    if path.exists():
        fail(f"{path} is there already and is not replaced")
    path.write_text(_draft(name, {one: contracts[one] for one in extract}), encoding="utf-8")
    show.console.print(f"Next: fill in {show.safe(str(path.relative_to(PROJECT_DIR)))}, then jifen sink check {name}")


def _draft(name: str, tables: dict[str, list[str]]) -> str:
    env = name.upper()
    keys = "\n".join(
        f"  {one}: {{env: {env}_SFTP_{one.upper()}}}" for one in ("host", "port", "user", "password", "host_key")
    )
    lines = []
    for table, columns in tables.items():
        lines += [f"  {table}:", "    fields: [uscc]", "    omitted:"]
        lines += [f"      {column}: not decided yet" for column in columns if column != "uscc"]
    return f"""# Which rows go is decided by enterprises' consents to {name}; docs/banks.md says what each word means.
title: {{zh: {name}, en: {name}}}
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
purposes: [授信评估]
legal_basis: 企业书面授权 written consent of the enterprise to this bank and purpose
issuer: {{zh: 高新区科技创新局, en: Science and technology bureau of the high-tech zone}}
tables:
{chr(10).join(lines)}
"""
