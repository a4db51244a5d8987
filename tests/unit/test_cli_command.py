"""What all commands share: the text of an option that the journal keeps."""

import pytest

from cli.command import LONGEST_TEXT, text_given
from cli.entry import CommandError


def test_a_text_is_kept_whole_without_the_blanks_around_it():
    assert text_given(f" {'因' * LONGEST_TEXT}\n") == "因" * LONGEST_TEXT


@pytest.mark.parametrize(("text", "said"), [(" \n", "--why is empty: say why"), ("因" * 2_001, "has 2,001 characters")])
def test_a_text_that_is_empty_or_too_long_is_refused_and_never_cut(text, said):
    with pytest.raises(CommandError, match=said):
        text_given(text)
