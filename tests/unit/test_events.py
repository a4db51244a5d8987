"""What channels are told: each event to a program, one digest in two languages to people, nobody's code unasked."""

import json
from datetime import date

import duckdb
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from connectors.sink_files import EVENTS, NoticeSink
from connectors.zone import Zone
from editions.news import news
from flows.alerts import with_alerts_sent
from flows.events import Event, messages_to, recall_event
from flows.night import Night
from flows.outcome import Outcome
from ledger.outbox import messages
from ledger.publications import Recall
from ledger.runs import start_run
from ledger.store import open_ledger

A, B, C = "91441300MA0000001X", "91441300MA0000002X", "91441300MA0000003X"
MAIL = {name: {"env": f"M_{name.upper()}"} for name in ("host", "port", "sender", "to")}
HOOK = {"url": {"env": "HOOK_URL"}, "secret": {"env": "HOOK_SECRET"}}


def sink(driver="webhook", kind="notice", **told):
    given = {"name": "channel", "title": {"zh": "通道", "en": "channel"}, "kind": kind, "driver": driver}
    return NoticeSink.model_validate({**given, "connection": MAIL if driver == "mail" else HOOK, **told})


def told_by(channel, *events):
    return [json.loads(one.event) for one in messages_to(channel, "e.channel.1", events)]


@pytest.fixture
def edition(tmp_path):
    """The folder of an edition with these tables, each written as a query."""

    def make(name, **tables):
        folder = tmp_path / name / "tables"
        folder.mkdir(parents=True)
        with duckdb.connect() as connection:
            for table, query in tables.items():
                connection.execute(f"copy ({query}) to '{folder}/{table}.parquet'")
        return folder.parent

    return make


def decided(*rows):
    values = ", ".join(f"('{uscc}', '{policy}', '{decision}')" for uscc, policy, decision in rows)
    return (
        "select uscc, policy_id, decision, decision = 'eligible' as is_listed, '研发奖励' as name_zh, "  # noqa: S608
        f"'R&D award' as name_en from (values {values}) t(uscc, policy_id, decision)"
    )


def offered(*rows):
    values = ", ".join(f"('{product}', {is_marketed})" for product, is_marketed in rows)
    return (
        "select '1' as uscc, product_id, 'bank_a' as bank, '积分贷' as name_zh, 'Points Loan' as name_en, is_marketed, "  # noqa: S608
        f"'no' as decision, null::bigint as limit_fen from (values {values}) t(product_id, is_marketed)"
    )


def paid(*rows):
    values = ", ".join(f"('{claim}', '{uscc}', {fen})" for claim, uscc, fen in rows)
    return (
        "select 'loan' as programme_id, 2024 as policy_year, claim_no, uscc, 'advance' as part, amount_fen "  # noqa: S608
        f"from (values {values}) t(claim_no, uscc, amount_fen)"
    )


def restricted(*codes):
    values = ", ".join(f"('{uscc}')" for uscc in codes)
    return f"select uscc, 'm' as measure_id, 'e' as event_no, true as is_restricting from (values {values}) t(uscc)"  # noqa: S608


@pytest.fixture
def two(edition):
    then = edition(
        "then",
        policy_decisions=decided((A, "p", "eligible"), (B, "p", "no"), (C, "p", "no"), (C, "q", "eligible")),
        product_offers=offered(("old", True), ("later", False)),
        subsidy_pay_list=paid(("1", A, 100)),
        restrictions=restricted(A),
    )
    now = edition(
        "now",
        policy_decisions=decided((A, "p", "no"), (B, "p", "eligible"), (C, "p", "near_miss"), (C, "q", "eligible")),
        product_offers=offered(("old", True), ("later", True), ("new", True), ("closed", False)),
        subsidy_pay_list=paid(("1", A, 100), ("2", B, 2_345_600)),
        restrictions=restricted(A, B),
    )
    return then, now


def test_an_edition_tells_what_it_brings_beside_the_one_before(two):
    found = news(*two)
    assert {event: [(one["policy_id"], one["enterprises"]) for one in found[event]["policies"]] for event in MOVES} == {
        "policy_gained": [("p", [B])],
        "policy_near_miss": [("p", [C])],
        "policy_lost": [("p", [A])],
    }
    assert [one["product_id"] for one in found["product_opened"]["products"]] == ["later", "new"]
    assert [(one["lines"], one["amount_fen"]) for one in found["subsidy_list"]["lists"]] == [(2, 2_345_700)]
    assert found["credit_changed"]["changed"] == [
        {"table": "restrictions", "fact": "is_restricting", "enterprises": [B]}
    ]


MOVES = ("policy_gained", "policy_near_miss", "policy_lost")


def test_equal_editions_and_a_first_one_bring_nothing_to_tell(two, edition):
    _, now = two
    assert news(now, now) == news(None, now) == news(edition("older than the programme"), now) == {}


def all_events(two):
    facts = {"edition_id": "2025-06-30-abc", "as_of": "2025-06-30", "ruleset_id": "national-2024"}
    counts = {"policy_id": "p", "eligible": 3, "listed": 2, "listed_enterprises": [A, B]}
    night = {"as_of": "2025-06-30", "state": "blocked", "message": "the gate blocked", "current": "2025-06-29-xyz"}
    night |= {"stale": {"tax.vat": "old"}, "owed": ["bank_a"], "late_acks": ["bank_a has not acknowledged bank_a.7"]}
    published = {**facts, "supersedes": "2025-06-29-xyz", "policies": [counts]}
    data = {
        "edition_published": published,
        "edition_corrected": {**published, "corrects": "2025-06-29-xyz", "why": "a wrong rate"},
        "edition_withdrawn": {**facts, "withdrawn": "2025-06-29-xyz", "why": "a wrong rate"},
        **{name: {**facts, **found} for name, found in news(*two).items()},
        "recall": recall_event("e", [Recall("bank_a", (A,), "a consent withdrawn")])[0].data,
        "night_recovered": {**night, "over": {"stale: tax.vat": "2025-06-28"}},
        "message_dead": {"message_id": "m", "recipient": "group", "attempts": 10, "message": "refused"},
        **dict.fromkeys(("gate_blocked", "source_stale", "delivery_late", "night_needs_attention"), night),
    }
    assert data.keys() == EVENTS.keys()
    return [Event(name, "2025-06-30-abc", held) for name, held in data.items()]


@pytest.mark.parametrize("driver", ["webhook", "mail"])
def test_no_channel_is_told_a_code_unless_its_file_asks(two, driver):
    for policies, is_named in ((None, False), ("counts", False), ("enterprises", True)):
        told = told_by(sink(driver, events=list(EVENTS), details=policies), *all_events(two))
        text = json.dumps(told, ensure_ascii=False)
        assert [code in text for code in (A, B, C)] == [is_named] * 3
        if driver == "mail":
            assert A not in told[0]["data"]["text"], "people in a group are told numbers alone"


def test_a_program_gets_each_event_by_itself_as_a_cloudevent_of_its_own_id_and_type(two):
    made = messages_to(sink(events=[*MOVES, "edition_published"]), "e.channel.1", all_events(two))
    events = [JSONFormat().read(CloudEvent, one.event) for one in made]
    assert {event.get_id(): event.get_type() for event in events} == {
        "e.channel.1": "cn.jifen.edition.published.v1",
        "e.channel.1.policy_gained": "cn.jifen.policy.gained.v1",
        "e.channel.1.policy_near_miss": "cn.jifen.policy.near_miss.v1",
        "e.channel.1.policy_lost": "cn.jifen.policy.lost.v1",
    }
    assert events[1].get_data()["policies"][0]["enterprises"] == 1


def test_people_get_one_digest_in_chinese_and_english(two):
    (digest,) = told_by(sink("mail", events=list(EVENTS), details="counts"), *all_events(two))
    assert (digest["id"], digest["type"]) == ("e.channel.1", "cn.jifen.digest.v1")
    title, text = digest["data"]["title"], digest["data"]["text"]
    assert title == "企业创新积分：2025-06-30 版已发布，编号 2025-06-30-abc"
    for part in (
        "政策 p：符合 3 家，列入名单 2 家",
        "新符合政策：\n  研发奖励：1 家",
        "loan 2024 预拨：2 家，23,457.00 元",
        "召回：bank_a 须删除 1 家企业的数据",
        "Enterprise innovation points: edition of 2025-06-30 published, correcting 2025-06-29-xyz",
        "No longer eligible:\n  R&D award: 1 enterprises",
        "loan 2024 advance: 2 enterprises, 23,457.00 yuan",
        "Night of 2025-06-30: the gate blocked, 2025-06-29-xyz stays current",
    ):
        assert part in text
    assert text.index("原因") < text.index("why: a wrong rate")


def test_a_name_or_reason_of_several_lines_makes_no_line_of_its_own():
    hostile = "a mistake\r\n2025-06-30 版已撤回\u2028{{ 7 * 7 }}"
    recalled = Event("recall", "bank_a.7", {"recalls": [{"recipient": "bank_a", "why": hostile, "enterprises": []}]})
    (digest,) = told_by(sink("mail", events=["recall"]), recalled)
    chinese, _, english = digest["data"]["text"].splitlines()
    assert all("a mistake 2025-06-30 版已撤回 {{ 7 * 7 }}" in line for line in (chinese, english))


def test_a_channel_that_asked_for_nothing_that_happened_is_told_nothing(two):
    assert told_by(sink(events=["recall"]), *all_events(two)[:3]) == []
    assert [one["type"] for one in told_by(sink(), *all_events(two))] == [
        EVENTS[name] for name in ("edition_published", "edition_corrected", "edition_withdrawn")
    ]
    with pytest.raises(ValueError, match="no events edition_sold; there are edition_published"):
        sink(events=["edition_sold"])


def test_a_channel_for_notices_may_ask_for_what_happens_in_a_night(settings, monkeypatch):
    monkeypatch.setattr("flows.relay.try_messages", lambda *_, **__: [])
    ledger = open_ledger(settings)
    run_id = start_run(ledger, date(2025, 6, 30), "plain")
    asked = sink(events=["gate_blocked", "delivery_late"])
    night = Night(
        run_id, date(2025, 6, 30), settings, ledger, (), (asked, sink().model_copy(update={"name": "b"})), Zone()
    )
    monkeypatch.setattr("flows.relay.ROUNDS", 1)
    with_alerts_sent(night, Outcome("blocked", "2025-06-30", None, "the gate blocked", {}, ("bank_a",)))
    assert {row["message_id"] for row in messages(ledger)} == {
        f"{run_id}.channel.gate_blocked",
        f"{run_id}.channel.delivery_late",
    }
