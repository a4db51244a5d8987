"""What two editions say differently about an enterprise: newly, no longer, and otherwise."""

import duckdb
import pytest

from editions.changes import WATCHED, changes, policy_counts

COLUMNS = {table: (*keys, *columns) for table, (keys, columns) in WATCHED.items()}


@pytest.fixture
def edition(tmp_path):
    def make(name, **tables):
        folder = tmp_path / name / "tables"
        folder.mkdir(parents=True)
        target = str(folder).replace("'", "''")
        with duckdb.connect() as connection:
            for table, rows in tables.items():
                names = ", ".join(COLUMNS[table])
                values = ", ".join("(" + ", ".join(map(str, row)) + ")" for row in rows) or f"({names})"
                connection.execute(f"copy (from (values {values}) t({names})) to '{target}/{table}.parquet'")
        return folder.parent

    return make


def test_newly_and_no_longer_eligible_and_a_changed_limit_are_told_with_both_values(edition):
    then = edition(
        "then's *[1] a=b",
        product_offers=[
            ("'A'", "'p'", "'no'", "null"),
            ("'B'", "'p'", "'eligible'", 100),
            ("'C'", "'p'", "'no'", "null"),
        ],
    )
    now = edition(
        "now",
        product_offers=[
            ("'A'", "'p'", "'eligible'", 500),
            ("'B'", "'p'", "'eligible'", 200),
            ("'D'", "'p'", "'no'", "null"),
        ],
    )
    told = [
        (one["uscc"], one["item"], one["fact"], one["kind"], one["was"], one["is_now"]) for one in changes(then, now)
    ]
    assert told == [
        ("A", "p", "decision", "changed", "no", "eligible"),
        ("C", "p", "decision", "removed", "no", None),
        ("D", "p", "decision", "added", None, "no"),
        ("A", "p", "limit_fen", "changed", None, "500"),
        ("B", "p", "limit_fen", "changed", "100", "200"),
    ]


def test_a_grade_that_becomes_unknown_and_a_restriction_that_ends_are_changes(edition):
    report = ("'A'", "'A'", "'B'", 0, 0, 1, "false")
    then = edition("then", credit_reports=[report], restrictions=[("'A'", "'m'", "'e'", "true")])
    now = edition(
        "now",
        credit_reports=[(*report[:2], "null", *report[3:5], 0, "true")],
        restrictions=[("'Z'", "'m'", "'e'", "true")],
    )
    told = {(one["table"], one["uscc"], one["fact"], one["kind"]) for one in changes(then, now)}
    assert told == {
        ("credit_reports", "A", "credit_grade", "changed"),
        ("credit_reports", "A", "restrictions", "changed"),
        ("credit_reports", "A", "is_in_good_standing", "changed"),
        ("restrictions", "A", "is_restricting", "removed"),
        ("restrictions", "Z", "is_restricting", "added"),
    }


def test_equal_editions_and_one_older_than_the_programme_have_no_changes(edition):
    one = edition("one", policy_decisions=[("'A'", "'p'", "'no'", "false")])
    assert changes(one, one) == []
    assert changes(edition("old"), one) == []


def test_of_each_policy_is_said_how_many_are_eligible_newly_and_no_longer(edition):
    def row(uscc, policy, decision, is_listed):
        return f"'{uscc}'", f"'{policy}'", f"'{decision}'", str(is_listed)

    then = edition(
        "then",
        policy_decisions=[
            row("A", "p", "eligible", True),
            row("B", "p", "eligible", True),
            row("C", "p", "no", False),
            row("A", "gone", "eligible", True),
        ],
    )
    now = edition(
        "now",
        policy_decisions=[
            row("A", "p", "near_miss", False),
            row("B", "p", "eligible", False),
            row("C", "p", "eligible", True),
            row("D", "p", "eligible", True),
            row("D", "new", "no", False),
        ],
    )
    names = ("policy_id", "eligible", "listed", "newly_eligible", "no_longer_eligible", "listed_enterprises")
    assert [tuple(one[name] for name in names) for one in policy_counts(then, now)] == [
        ("gone", 0, 0, 0, 1, []),
        ("new", 0, 0, 0, 0, []),
        ("p", 3, 2, 2, 1, ["C", "D"]),
    ]
    first = {one["policy_id"]: tuple(one[name] for name in names[1:]) for one in policy_counts(None, now)}
    assert first == {"new": (0, 0, None, None, []), "p": (3, 2, None, None, ["C", "D"])}
    assert policy_counts(then, edition("older")) == []
    assert policy_counts(edition("before"), now)[1]["newly_eligible"] is None
