"""What spares the dear patterns of rows that are no records: it finds in every text what they find."""

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.hand_made import MAY_BE_NONE, NO_NAME, NO_RECORD, RULE_LINE

WORDS = (
    "no",
    "of",
    "end",
    "EOF",
    "sum",
    "page",
    "row",
    "ORA-",
    "total",
    "合计",
    "注",
    "年",
    "12",
    "-",
    "—",
    "%",
    ":",
    " ",
    "(",
    ")",
    "K",
    "ſum",
)
TEXTS = st.lists(st.sampled_from(WORDS) | st.characters(codec="ascii"), max_size=6).map("".join)


@settings(max_examples=20, deadline=None)
@given(st.lists(TEXTS, min_size=50, max_size=50))
def test_no_text_that_is_no_record_is_passed_over(texts: list[str]):
    stated = pa.array(texts)
    found = pc.match_substring_regex(stated, NO_RECORD + NO_NAME + RULE_LINE)
    told = stated.filter(pc.and_not(found, pc.match_substring_regex(stated, MAY_BE_NONE)))
    assert told.to_pylist() == []
