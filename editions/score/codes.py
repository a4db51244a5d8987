"""Which codes of indicators cannot be names of columns: the scoring models make several of each."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import duckdb

from editions.ruleset_problems import Problem
from editions.score.ruleset import Ruleset

CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")
TAKEN = ("uscc", "stage", "industry_code")
MADE_OF_A_CODE = ("_status", "_segment", "_points", "_raw", "_position", "_peers", "_share", "_maximum", "_rounded")
"""The endings of the columns that the scoring models make of a code."""
# The first two are those of the model `problems_of_catalogue`, word for word: a check that has both names a row once.
NOT_PLAIN = (
    "代码须以字母开头，只含字母、数字和下划线，至多 30 个字符",
    "a code begins with a letter and has letters, digits and _ only, 30 at most",
)
TWICE = ("指标代码在同一规则集中重复（不分大小写）", "the code stands twice in the rule set, whatever its case")
WORD = ("SQL 保留字不能作指标代码", "a reserved word of SQL cannot be an indicator's code")
OURS = (
    f"系统自有列名不能作指标代码：{'、'.join(TAKEN)}",
    f"a column of ours cannot be an indicator's code: {', '.join(TAKEN)}",
)
MADE = (
    f"代码不能是另一指标的代码加系统自有的后缀：{'、'.join(MADE_OF_A_CODE)}",
    f"a code cannot be another one with an ending of ours: {', '.join(MADE_OF_A_CODE)}",
)


def code_problems(connection: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> list[Problem]:
    """Every code that no column can be named by; of all the project's rule sets each is looked at by itself."""
    words = connection.execute("select keyword_name from duckdb_keywords() where keyword_category = 'reserved'")
    reserved = {str(word) for (word,) in words.fetchall()}
    codes_of: dict[str, list[str]] = {}
    for row in ruleset.tables["ruleset_indicators"]:
        codes_of.setdefault(str(row["ruleset_id"]), []).append(str(row["indicator_code"]))
    return [
        Problem(ruleset_id, "indicators", f"{ruleset_id}, {code}", *said)
        for ruleset_id, codes in codes_of.items()
        for code, said in dict.fromkeys(_wrong(codes, reserved))
    ]


def _wrong(codes: Sequence[str], reserved: set[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    folded = Counter(code.lower() for code in codes)
    made = {code + ending for code in folded for ending in MADE_OF_A_CODE}
    for code in codes:
        name = code.lower()
        if not CODE.fullmatch(code):
            yield code, NOT_PLAIN
        if folded[name] > 1:
            yield name, TWICE
        if name in reserved:
            yield code, WORD
        if name in TAKEN:
            yield code, OURS
        if name in made:
            yield code, MADE
