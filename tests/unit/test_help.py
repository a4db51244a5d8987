"""One style of help in all commands: a sentence for each command, a phrase for each option and argument."""

from collections.abc import Iterator

import pytest
from click import Command, Context
from typer.main import get_command

from cli.app import app


def commands() -> Iterator[tuple[str, Command]]:
    """Every command by its words, groups among them."""
    left = [("jifen", get_command(app))]
    while left:
        name, command = left.pop()
        yield name, command
        if hasattr(command, "list_commands"):
            context = Context(command)
            left += [(f"{name} {one}", command.get_command(context, one)) for one in command.list_commands(context)]


COMMANDS = dict(commands())


def test_there_are_as_many_commands_as_the_walk_must_see():
    assert len(COMMANDS) > 90


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_all_that_it_takes_say_what_they_are(name):
    command = COMMANDS[name]
    said = (command.help or "").split("\n\n")[0]
    assert said.endswith((".", "…")), said
    assert said[0].isupper() or not said[0].isascii()
    for one in command.params:
        told = getattr(one, "help", None) or ""
        assert told, f"{name} {one.name}"
        assert told[0].isupper() or not told[0].isalpha(), f"{one.name}: {told}"


def test_what_shows_something_shows_it_as_json_too():
    words = ("list", "show", "check", "status", "doctor")
    shown = {name: one for name, one in COMMANDS.items() if name.rpartition(" ")[2] in words}
    assert [name for name, one in shown.items() if not any("--json" in option.opts for option in one.params)] == []
