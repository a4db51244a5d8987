"""The error of a rule set, a file of values or a folder that cannot be used for scoring."""

SAVE_AS_UTF8 = "save it as UTF-8; in Excel: 另存为 → CSV UTF-8 (Save As → CSV UTF-8)"


class ScoreError(ValueError):
    """A rule set, a file of values or a folder cannot be used; the text has what, where, whose and next."""

    state, exit_code = "refused", 2

    def __init__(self, what: str, where: str, next_step: str, whose: str = "data") -> None:
        super().__init__(f"{what} Where: {where}. Whose: {whose}. Next: {next_step}")
