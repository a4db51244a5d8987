"""Tables that people keep by hand: how their headers are spelled, and which of their rows are no records."""

import re
import unicodedata

NO_RECORD = (
    r"(?i)^\s*(?:(?:合\s*计|总\s*计|小\s*计|共\s*计|累\s*计|本页合?小?计|合计数|(?:sub|grand)?[ -]?total)\s*[:：]?\s*$"
    r"|(?:注|[备附]\s*注|说\s*明|填[表报]说明|制\s*表|填\s*[表报]|[审复]\s*核|报\s*送|经\s*办|打\s*印|联\s*系)"
    r"\s*(?:(?:人|员|单位|日期|时间|电话)?\s*[:：]|(?:人|员|日期)\s*$)"
    r"|(?:单位)?负\s*责\s*人\s*[:：]|数据来源\s*[:：]|(?:共|合计|总计)\s*[0-9,]+\s*[条行页家户人笔项个]|第\s*[0-9]+\s*页)"
)
"""What public bodies write below a table: totals, notes and signatures."""
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
MAX_NAME = 1_000
"""Of a longer name only so many characters count: one character may become eighteen."""
_BESIDE_CHINESE = re.compile(r"(?<=[^\x00-\xff]) | (?=[^\x00-\xff])")


def clean(text: str) -> str:
    """A name without line ends, doubled and invisible blanks, and blanks beside a Chinese character."""
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", text[:MAX_NAME]))
    return _BESIDE_CHINESE.sub("", " ".join(plain.split()).replace("\x00", ""))
