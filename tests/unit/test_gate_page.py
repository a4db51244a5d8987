"""The gate's page: the verdict, every check, what changed, and nothing of a hostile name as markup."""

import json
from html.parser import HTMLParser

import pytest

from expectations.gate import audit
from expectations.gate_page import gate_page
from ledger.overrides import Override
from tests.unit.small_edition import make_candidate, seal_small

HOSTILE = "<script>alert(1)</script>&\"'"
FACTS = {"业务日期 Business date": "2025-06-30", "运行 Run": "run-1", "上一版 Edition before": None}
PULLED = [
    {
        "source": "tax",
        "dataset": "statements",
        "state": "landed",
        "rows_received": 7,
        "rows_refused": 1,
        "changed": "changed:sales_cny 2, of 7 records",
        "message": None,
    },
    {"source": "a", "dataset": "b", "state": "failed", "rows_received": 0, "rows_refused": 0, "message": HOSTILE},
]


class Tags(HTMLParser):
    """Which tags and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "onload") and value]


def tags_of(content: str) -> Tags:
    parser = Tags()
    parser.feed(content)
    return parser


@pytest.fixture
def previous(tmp_path):
    return seal_small(tmp_path, make_candidate(tmp_path)).path


def page_of(tmp_path, previous=None, changes="", name="run-2"):
    candidate = make_candidate(tmp_path, name, changes=changes)
    return gate_page(audit(candidate.warehouse, previous).as_dict(), candidate.warehouse, previous, FACTS, PULLED)


def test_every_check_of_the_verdict_is_on_the_page(tmp_path):
    candidate = make_candidate(tmp_path)
    verdict = audit(candidate.warehouse, None).as_dict()
    content = gate_page(verdict, candidate.warehouse, None, FACTS, PULLED)
    assert all(f">{check['table']}.{check['name']}<" in content for check in verdict["checks"])
    assert "发布闸门 Gate: 通过 passed" in content
    assert "There is no edition to compare with" in content


def test_a_blocked_candidate_says_which_check_blocks_before_all_others_with_the_codes_it_found(tmp_path, previous):
    content = page_of(tmp_path, previous, "update rankings set score = 101 where right(uscc, 1) = '3'")
    assert "发布闸门 Gate: 阻断 blocked" in content
    first = content.index("未通过 failed</strong>")
    assert first < content.index("<td>通过 passed</td>")
    assert "scores_are_within_0_and_100" in content
    assert "91441300MA00000003" in content


def test_what_changed_since_the_edition_before_is_counted_and_the_largest_moves_are_named(tmp_path, previous):
    content = page_of(tmp_path, previous, "update rankings set score = score - 7 where right(uscc, 1) = '4'")
    assert 'score moved by 1 or more</td><td class="number">1</td>' in content
    assert "丁科技有限公司" in content
    assert content.count("<svg") == 2


def test_hostile_names_and_messages_are_text_and_the_page_needs_no_script_and_no_network(tmp_path, previous):
    name = HOSTILE.replace("'", "''")
    change = "update rankings set enterprise_name = '<name>', score = score - 7 where rank_overall = 1"
    content = page_of(tmp_path, previous, change.replace("<name>", name))
    found = tags_of(content)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content
    assert not {"script", "iframe", "link", "img"} & set(found.tags)
    assert not found.links


def test_what_changed_of_a_dataset_within_its_limits_is_on_the_page(tmp_path):
    assert "changed:sales_cny 2, of 7 records" in page_of(tmp_path)


def test_equal_candidates_give_equal_pages(tmp_path, previous):
    assert page_of(tmp_path, previous, name="run-2") == page_of(tmp_path, previous, name="run-3")


def test_problems_of_the_suites_are_told(tmp_path):
    candidate = make_candidate(tmp_path)
    verdict = {
        **audit(candidate.warehouse, None).as_dict(),
        "state": "blocked",
        "problems": ["rankings.yml: no checks"],
    }
    content = gate_page(json.loads(json.dumps(verdict)), candidate.warehouse, None, FACTS, [])
    assert "rankings.yml: no checks" in content


def test_an_override_that_was_used_is_told_with_its_reason_and_names(tmp_path):
    candidate = make_candidate(tmp_path)
    used = Override("abc", ("rankings.has_rows",), "letter <17>", "2025-06-30", "2025-07-04", ("甲", "乙"))
    verdict = audit(candidate.warehouse, None).as_dict() | {"overrides": [used.as_dict()]}
    content = gate_page(verdict, candidate.warehouse, None, FACTS, [])
    assert "letter &lt;17&gt;" in content
    assert "甲, 乙" in content
