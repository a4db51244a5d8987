"""What can be wrong with what somebody asks to have scored."""

SAVE_AS_UTF8 = "save it as UTF-8; in Excel: 另存为 → CSV UTF-8 (Save As → CSV UTF-8)"


class ScoreError(ValueError):
    """A rule set, a file of values or a folder cannot be used as it stands; the text says what, where, whose, next."""

    state, exit_code = "refused", 2

    def __init__(self, what: str, where: str, next_step: str, whose: str = "data") -> None:
        super().__init__(f"{what} Where: {where}. Whose: {whose}. Next: {next_step}")
