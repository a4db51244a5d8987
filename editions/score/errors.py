"""What can be wrong with what somebody asks to have scored."""


class ScoreError(ValueError):
    """A rule set, a file of values or a folder cannot be used as it stands; the text says what, where, whose, next."""

    def __init__(self, what: str, where: str, next_step: str, whose: str = "data") -> None:
        super().__init__(f"{what} Where: {where}. Whose: {whose}. Next: {next_step}")
