"""A day as it is written on the command line."""

from datetime import date

import typer


def parse_day(text: str) -> date:
    """The day that `text` says. Raises `typer.BadParameter` for anything but YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is not a date; write YYYY-MM-DD") from None
