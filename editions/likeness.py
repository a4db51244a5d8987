"""How alike an open name and a name of the register are, by the Fellegi-Sunter model as Splink keeps it.

The weights are fixed here, not learnt: a review list of a night is too short to learn from, and the same list must rank
the same enterprises tomorrow. Each level says how often it is met where the two are one enterprise (m) and where they
are not (u).
"""

import logging
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from splink import SettingsCreator
    from splink.internals.comparison_level_creator import ComparisonLevelCreator

_PRIOR = 0.01
"""Of a name and its some dozens of candidates, about one pair in a hundred is right."""

# What share of all pairs of characters the two have in common, of both together.
_OVERLAP = "(2.0 * len(list_intersect(pairs_l, pairs_r)) / (len(pairs_l) + len(pairs_r)))"
# What share of the pairs that tell names apart is met in the other.
_TOLD = "(len(list_intersect(telling_l, pairs_r)) / greatest(len(telling_l), 1))"
# Bytes: one Chinese character is three.
_EDITS = "levenshtein(key_l, key_r)"
_TURNED = "list_sort(string_split(key_l, '')) = list_sort(string_split(key_r, ''))"
_FORM = "regexp_extract({0}, '(股份有限公司|有限责任公司|有限公司|研究院|合作社|合伙|店|厂|院|所|中心)', 1)"
_THEN = "(from_day_l >= from_day_r and (to_day_r is null or to_day_l <= to_day_r))"
_CONTAINED = "(contains(key_l, key_r) or contains(key_r, key_l))"

_COMPARISONS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "overlap": (
        ("key_l = key_r", 0.20, 0.000_1),
        (f"{_OVERLAP} >= 0.85", 0.25, 0.002),
        (f"{_OVERLAP} >= 0.7", 0.25, 0.02),
        (f"{_OVERLAP} >= 0.5", 0.20, 0.15),
        ("ELSE", 0.10, 0.827_9),
    ),
    "telling": (
        (f"{_TOLD} >= 0.99", 0.45, 0.001),
        (f"{_TOLD} >= 0.6", 0.25, 0.01),
        (f"{_TOLD} >= 0.3", 0.20, 0.1),
        ("ELSE", 0.10, 0.889),
    ),
    "edits": (
        (f"{_EDITS} <= 3", 0.40, 0.001),
        (_TURNED, 0.10, 0.000_5),
        (f"{_EDITS} <= 6", 0.20, 0.01),
        (f"{_CONTAINED}", 0.10, 0.005),
        (f"{_EDITS} <= 12", 0.10, 0.1),
        ("ELSE", 0.10, 0.883_5),
    ),
    "form": (
        (f"{_FORM.format('key_l')} = {_FORM.format('key_r')}", 0.85, 0.5),
        ("ELSE", 0.15, 0.5),
    ),
    "then": (
        ("NULL", 0, 0),
        (_THEN, 0.85, 0.6),
        ("ELSE", 0.15, 0.4),
    ),
}


def _settings() -> "SettingsCreator":
    from splink import SettingsCreator, block_on
    from splink.comparison_level_library import CustomLevel, ElseLevel
    from splink.comparison_library import CustomComparison

    def level(condition: str, m: float, u: float) -> "ComparisonLevelCreator":
        if condition == "NULL":
            return CustomLevel("from_day_l is null or from_day_r is null").configure(is_null_level=True)
        plain = ElseLevel() if condition == "ELSE" else CustomLevel(condition)
        return plain.configure(m_probability=m, u_probability=u)

    return SettingsCreator(
        link_type="link_only",
        probability_two_random_records_match=_PRIOR,
        comparisons=[
            CustomComparison([level(*one) for one in levels], output_column_name=name)
            for name, levels in _COMPARISONS.items()
        ],
        # The pairs to compare were chosen before: both sides say at which name of the register they meet.
        blocking_rules_to_generate_predictions=[block_on("met_at", arrays_to_explode=["met_at"])],
        retain_matching_columns=False,
    )


def score_pairs(db: duckdb.DuckDBPyConnection) -> None:
    """Make `scored (asked_id, borne_id, score)` from the tables `asked`, `borne` and `likely` of this connection."""
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    columns = "unique_id, shown, key, pairs, telling, from_day, to_day, list_sort(pairs_of_likely) as met_at"
    db.execute(
        f"""create table left_names as select {columns} from asked join (
            select asked_id as unique_id, list(borne_id) as pairs_of_likely from likely group by asked_id
        ) using (unique_id)"""  # noqa: S608
    )
    db.execute(
        """create table right_names as
        select unique_id, shown, key, pairs, cast([] as varchar[]) as telling, from_day, to_day,
            [unique_id] as met_at
        from borne semi join likely on borne.unique_id = likely.borne_id"""
    )
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection=db)
    # Which side is the left one goes by these names.
    sides = [
        api.register("left_names", dataset_display_name="a_asked"),
        api.register("right_names", dataset_display_name="b_borne"),
    ]
    linker = Linker(sides, _settings(), log_level=None)
    pairs = linker.inference.predict(warning_mode="never")
    db.execute(
        f"""create table scored as
        select unique_id_l as asked_id, unique_id_r as borne_id, cast(match_probability as decimal(7, 6)) as score
        from {pairs.physical_name}"""  # noqa: S608
    )
