"""Suggestions for open names: the enterprise that is meant stands first, however its name was mistyped."""

import json
import random
import re
import shutil
from datetime import date

import pytest

from connectors.identity_decisions import decisions_file
from editions.suggest import OpenItem, codes_held, open_items, suggest
from sandbox.names import company_name
from tests.unit.refusing import OTHER
from tests.unit.suggested import BY, DAY, EDITION_DAY, code_of, commands, small_edition, write_edition

TRADES = ("电子", "智能装备", "新材料", "生物医药", "软件", "环保", "光电", "精密模具", "新能源", "物联网")
STRANGE = "华兴安达永信恒通嘉德盛源宏远东方金龙海天中正大明阳光"


def asked(name, on=DAY):
    return OpenItem("science", "awards", name, "unknown", 1, None, on, on)


KINDS = {
    "another character": lambda name, place, strange: name[:place] + strange + name[place + 1 :],
    "one left out": lambda name, place, _: name[:place] + name[place + 1 :],
    "one too many": lambda name, place, strange: name[:place] + strange + name[place:],
    "two turned": lambda name, place, _: name[:place] + name[place + 1] + name[place] + name[place + 2 :],
    "without the city": lambda name, *_: name.replace("惠州", "", 1),
    "without the legal form": lambda name, *_: re.sub("(股份|科技)?有限公司$", "", name),
    "another legal form": lambda name, *_: name.replace("有限公司", "集团公司"),
    "with the province": lambda name, *_: "广东省惠州市" + name.replace("惠州", "", 1),
}


def corrupted(rng, name, number):
    kind = list(KINDS.values())[number % len(KINDS)]
    return kind(name, rng.randrange(2, 7), rng.choice(STRANGE))


def test_of_two_hundred_mistyped_names_nearly_all_find_their_enterprise_first(tmp_path):
    rng = random.Random(20250630)
    names = [company_name(number, TRADES[number * 7 % 10]) for number in range(2_000)]
    edition = write_edition(tmp_path, [(code_of(n), name, date(2010, 1, 1), None) for n, name in enumerate(names)])
    meant = [rng.randrange(len(names)) for _ in range(200)]
    items = [asked(corrupted(rng, names[n], place)) for place, n in enumerate(meant)]
    found = [[one.uscc for one in some] for some in suggest(edition, items)]
    first = sum(some[:1] == [code_of(n)] for some, n in zip(found, meant, strict=True))
    among_three = sum(code_of(n) in some for some, n in zip(found, meant, strict=True))
    assert first >= 190
    assert among_three >= 196


@pytest.fixture
def edition(tmp_path):
    return small_edition(tmp_path)


@pytest.fixture
def identity(edition, settings, monkeypatch):
    return commands(edition, settings, monkeypatch)


def test_the_list_begins_with_what_most_records_hang_on(edition):
    assert [one.count for one in open_items(edition)] == [7, 2, 1]


def test_a_suggestion_says_which_name_and_whether_it_was_borne_on_the_day(edition):
    ((best, *_),) = suggest(edition, [asked("惠州翎烁电子科技有限公司")])
    assert (best.uscc, best.enterprise_name, best.is_borne_then) == (code_of(1), "惠州翎砾电子科技有限公司", True)
    assert (best.valid_from, best.valid_to) == (date(2019, 7, 1), None)
    assert best.score > 0


def test_who_bore_the_name_on_the_day_comes_before_who_bore_it_on_another(edition):
    for day, code in ((date(2015, 1, 1), code_of(1)), (date(2022, 1, 1), code_of(2))):
        ((best, *_),) = suggest(edition, [asked("惠州珂诺电子科枝有限公司", day)])
        assert (best.uscc, best.is_borne_then) == (code, True)


def test_an_enterprise_is_suggested_once_and_a_number_or_a_stranger_not_at_all(edition):
    found = suggest(edition, [asked("惠州珂诺电子科技有限公司"), asked("HZ-000123"), asked("布拉格理工大学")], most=5)
    assert len({one.uscc for one in found[0]}) == len(found[0])
    assert found[1:] == [(), ()]
    assert suggest(edition, []) == []


def test_of_a_number_that_several_claim_each_claimant_is_shown_by_its_present_name(edition, tmp_path):
    names = [(code_of(1), "旧名甲有限公司", date(2010, 1, 1), date(2019, 6, 30))]
    names += [(code_of(1), "甲有限公司", date(2019, 7, 1), None), (code_of(2), "乙有限公司", date(2021, 1, 1), None)]
    claims = {"HZ-000123": f"{code_of(1)};{code_of(2)}"}
    items = [("headcounts", "HZ-000123", "ambiguous", 9), ("headcounts", "HZ-9", "unknown", 1)]
    shared = write_edition(tmp_path / "2025-07-01-abcdef0123", names, items, claims)
    first, second = open_items(shared)
    assert (first.claimed_by, second.claimed_by) == ((code_of(1), code_of(2)), ())
    found = suggest(shared, [first, second], most=1)
    assert [(one.uscc, one.enterprise_name, one.score) for one in found[0]] == [
        (code_of(1), "甲有限公司", None),
        (code_of(2), "乙有限公司", None),
    ]
    assert found[1] == ()
    assert [one.claimed_by for one in open_items(edition)] == [()] * 3


def test_the_same_list_gives_the_same_answers_in_any_order(edition):
    items = [asked("惠州翎烁电子科技有限公司"), asked("珂诺电子"), asked("惠州帕奇环保公司", None)]
    assert suggest(edition, items) == suggest(edition, items[::-1])[::-1]


def test_a_code_is_held_or_it_is_not(edition):
    assert codes_held(edition, [code_of(1), OTHER]) == {code_of(1): code_of(1)}


def test_the_list_says_who_claims_a_number(edition, identity):
    names = [(code_of(1), "甲有限公司", date(2019, 7, 1), None), (code_of(2), "乙有限公司", date(2021, 1, 1), None)]
    shutil.rmtree(edition / "tables")
    claims = {"HZ-000123": f"{code_of(1)};{code_of(2)}"}
    write_edition(edition, names, [("headcounts", "HZ-000123", "ambiguous", 9)], claims)
    plain = identity("list").stdout
    assert "claims it" in plain
    assert all(code in plain for code in (code_of(1), code_of(2)))
    (told,) = json.loads(identity("list", "--json").stdout)
    assert [one["uscc"] for one in told["suggestions"]] == told["claimed_by"] == [code_of(1), code_of(2)]


def test_a_decision_that_the_editions_own_day_would_not_know_warns_and_says_how_it_would(identity):
    words = ("decide", "science.contest_results", "珂诺电子", "--uscc", code_of(1), *BY)
    late = identity(*words)
    assert late.exit_code == 0
    assert f"--on {EDITION_DAY}" in late.stderr
    assert "for records of any date" in late.stdout
    in_time = identity(*words, "--on", EDITION_DAY)
    assert (in_time.exit_code, in_time.stderr) == (0, "")
    told = json.loads(identity("decisions", "--json").stdout)
    assert [one["is_later_than_edition"] for one in told] == [True, False]
    assert "the edition is older" in identity("decisions").stdout.replace("\n", " ")


def test_who_decides_of_a_code_what_another_dataset_denies_is_warned_and_told_how_to_settle_it(edition, identity):
    unknown = code_of(9)
    shutil.rmtree(edition / "tables")
    items = [(dataset, unknown, "unknown", 1) for dataset in ("platforms", "titles")]
    write_edition(edition, [(code_of(1), "甲有限公司", DAY, None)], items)
    first = identity("decide", "science.platforms", unknown, "--uscc", code_of(1), "--on", EDITION_DAY, *BY)
    assert (first.exit_code, first.stderr) == (0, "")
    second = identity("decide", "science.titles", unknown, "--nobody", "--on", EDITION_DAY, *BY)
    told = " ".join(second.stderr.split())
    assert second.exit_code == 0
    assert f"in science.platforms {unknown} was decided as {code_of(1)}" in told
    assert f"jifen identity decide science.platforms {unknown} --nobody --by WHO" in told
    standing = [one["standing"] for one in json.loads(identity("decisions", "--json").stdout)]
    assert standing == ["no: contradicts science.titles", "no: contradicts science.platforms"]
    third = identity("decide", "science.platforms", unknown, "--nobody", "--on", "2025-07-01", *BY)
    assert (third.exit_code, "contradict" in third.stderr) == (0, False)


def test_the_list_says_whom_contradicting_decisions_name(edition, identity):
    shutil.rmtree(edition / "tables")
    items = [("titles", code_of(9), "contradicting_decisions", 1)]
    write_edition(edition, [(code_of(1), "甲有限公司", DAY, None)], items, {code_of(9): code_of(1)})
    (told,) = json.loads(identity("list", "--json").stdout)
    assert "另有决定指向它 some decision names it" in told["suggestions"][0]["why"]


def test_a_dataset_that_names_no_one_enterprise_can_not_be_decided(identity):
    for address in ("credit.repairs", "science.successions", "science.enterprises"):
        done = identity("decide", address, "珂诺电子", "--nobody", *BY)
        assert done.exit_code == 2
        assert f"no dataset {address} names an enterprise" in done.stderr.replace("\n", " ")


def test_the_list_shows_whom_each_name_may_mean(identity):
    told = json.loads(identity("list", "--json").stdout)
    assert [one["identifier"] for one in told] == ["珂诺电子", "惠州翎烁电子科技有限公司", "HZ-000123"]
    assert told[1]["suggestions"][0]["uscc"] == code_of(1)
    assert "惠州翎砾电子科技有限公司 (2019-07-01" in told[1]["suggestions"][0]["why"]
    plain = identity("list", "--reason", "unknown", "--limit", 1).stdout
    assert "… and 1 more" in plain
    assert code_of(1) in plain


def test_a_decision_is_written_down_and_listed(identity, settings):
    done = identity("decide", "science.contest_results", "珂诺电子", "--uscc", code_of(1).lower(), *BY)
    assert done.exit_code == 0, done.output
    assert decisions_file(settings.data_dir).read_text(encoding="utf-8").count("\n") == 2
    (told,) = json.loads(identity("decisions", "--json").stdout)
    assert (told["uscc"], told["decided_by"], told["applies"]) == (code_of(1), "王工", True)


def test_a_word_about_what_is_not_open_or_nowhere_or_not_ours_is_a_usage_error(identity, settings):
    refused = [
        identity("decide", "science.awards", "没有的名字", "--nobody", *BY),
        identity("decide", "science.nowhere", "珂诺电子", "--nobody", *BY),
        identity("decide", "science.contest_results", "珂诺电子", "--uscc", OTHER, *BY),
        identity("decide", "science.contest_results", "珂诺电子", *BY),
        identity("decide", "science.contest_results", "珂诺电子", "--uscc", code_of(1), "--nobody", *BY),
        identity("decide", "science.contest_results", "珂诺电子", "--nobody", "--by", "王工", "--why", " "),
    ]
    assert [done.exit_code for done in refused] == [2] * 6
    assert not decisions_file(settings.data_dir).exists() or not decisions_file(settings.data_dir).read_text()


def test_a_name_that_was_decided_may_be_decided_again_on_a_later_day_and_not_on_the_same(identity):
    first = identity("decide", "science.awards", "惠州翎烁电子科技有限公司", "--nobody", "--on", "2025-01-01", *BY)
    same = identity(
        "decide", "science.awards", "惠州翎烁电子科技有限公司", "--uscc", code_of(1), "--on", "2025-01-01", *BY
    )
    later = identity(
        "decide", "science.awards", "惠州翎烁电子科技有限公司", "--uscc", code_of(1), "--on", "2025-01-02", *BY
    )
    assert (first.exit_code, same.exit_code, later.exit_code) == (0, 2, 0)
    assert "already" in same.output
