"""`jifen outbox`: messages to channels, what became of each, and what a person may do about it."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Engine

from cli import show
from cli.command import Json, misused, new_group, operator, require_known
from connectors.sink_files import NoticeSink, readable_sinks
from flows.night import night_without_run
from flows.relay import relay
from flows.texts import local
from ledger.outbox import (
    DEAD,
    PENDING,
    STATES,
    TABLES,
    acts_of,
    attempts_of,
    discard,
    message_row,
    messages,
    next_moment,
    replay,
)
from ledger.settings import Settings
from ledger.store import open_ledger

app = new_group()

MessageId = Annotated[str, typer.Argument(help="A message, as `jifen outbox list` names it.")]
Recipient = Annotated[str | None, typer.Option(help="Messages to this channel.")]


@app.command("list")
def list_messages(
    state: Annotated[str | None, typer.Option(help="One of pending, sent, dead, discarded.")] = None,
    recipient: Recipient = None,
    as_json: Json = False,
) -> None:
    """List messages to channels and to operators, newest first; `--state dead` is the dead-letter list."""
    settings = Settings()
    ledger = open_ledger(settings)
    require_known("state", [state], STATES)
    _require_channel(ledger, recipient)
    rows = messages(ledger, state, recipient)
    if not as_json:
        times = ("created_at", "sent_at", "next_try_at")
        rows = [{**row, **{name: row[name] and local(row[name], settings.zone) for name in times}} for row in rows]
    when = (("made", "created_at"), ("sent", "sent_at"), ("next try", "next_try_at"))
    columns = (("message", "message_id"), "recipient", "state", "attempts", *when, ("error", "last_error"))
    show.show_rows("Messages 消息", rows, columns, as_json, whole=("message",))


@app.command("show")
def show_message(message_id: MessageId, as_json: Json = False) -> None:
    """Show one message: the event, every attempt with its time, and what people did to it."""
    settings = Settings()
    ledger = open_ledger(settings)
    _, row = message_row(ledger, message_id)
    tried, acts = attempts_of(ledger, message_id), acts_of(ledger, message_id)
    if as_json:
        show.show_json({**row, "tried": tried, "acts": acts})
        return
    show.show_facts(((name, value) for name, value in row.items() if name != "event"), settings.zone)
    for title, rows, columns in (
        ("Attempts 投递", tried, ("number", "at", "outcome")),
        ("Acts 人工处理", acts, ("at", "act", ("by", "decided_by"), "why")),
    ):
        if rows:
            show.show_rows(title, [{**one, "at": local(one["at"], settings.zone)} for one in rows], columns)
    show.console.print("Event 事件:")
    show.show_json(json.loads(row["event"]))


@app.command("replay")
def send_again(
    message_ids: Annotated[list[str] | None, typer.Argument(help="Messages that did not arrive.")] = None,
    recipient: Annotated[
        str | None, typer.Option(help="All dead letters to this channel; it is enabled again.")
    ] = None,
    why: Annotated[str | None, typer.Option(help="What was corrected.")] = None,
) -> None:
    """Have messages sent again, by the whole schedule; their ids stay. A channel that was disabled is enabled again."""
    ledger = open_ledger(Settings())
    _require_channel(ledger, recipient)
    dead = [row["message_id"] for row in messages(ledger, DEAD, recipient)] if recipient else []
    wanted = list(dict.fromkeys([*(message_ids or []), *dead]))
    if not wanted and not recipient:
        misused("name messages, or a channel by --recipient. Next: jifen outbox list --state dead")
    replay(ledger, wanted, recipient, why, operator())
    show.console.print(f"{len(wanted)} messages are to be sent. Next: jifen outbox relay --once")


def _require_channel(ledger: Engine, recipient: str | None) -> None:
    """A channel that is misspelt would look like one without messages."""
    known = {sink.name for sink in readable_sinks() if isinstance(sink, NoticeSink)}
    known |= {row["recipient"] for row in messages(ledger)}
    require_known("channel", [recipient], sorted(known))


@app.command("discard")
def give_up(message_id: MessageId, why: Annotated[str, typer.Option(help="The reason; it is kept.")]) -> None:
    """Give a message up: it is not sent any more."""
    discard(open_ledger(Settings()), message_id, why, operator())
    show.console.print(f"{show.safe(message_id)} is discarded")


@app.command("relay")
def send_due(
    once: Annotated[bool, typer.Option("--once", help="Send what is due, then end.")] = False,
    early: Annotated[bool, typer.Option("--now", help="With --once: also what is due later.")] = False,
) -> None:
    """Send what is due, until it is stopped: messages by their schedule, packages and return files each quarter hour.

    Answers of recipients are read, too. Several may run at once. Exit code 1 where one failed.
    """
    if early and not once:
        misused("--now goes with --once")
    night = night_without_run(Settings())
    failed = 0
    for sent_id, error in relay(night, once=once, early=early):
        failed += error is not None
        result = f"failed: {error}" if error else "sent"
        show.console.print(f"{show.safe(sent_id)} {show.safe(result)}")
    left = len(messages(night.ledger, PENDING))
    show.console.print(f"{left} messages are pending")
    moments = [moment for table in TABLES if (moment := next_moment(night.ledger, table, datetime.now(UTC)))]
    if moments and left:
        when = local(min(moments).isoformat(), night.settings.zone)
        show.console.print(f"The next one is due at {when}. Next: jifen outbox relay --once --now sends it at once")
    if failed:
        raise typer.Exit(1)
