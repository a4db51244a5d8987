"""Reading YAML: no name stands twice, and plain words are what they look like."""

import pytest

from ledger.yaml_file import YamlFaultError, read_yaml


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("unit: 万元\nunit: 元", 2),
        ("columns:\n  - {name: a, unit: 万元, min: 0, unit: 元}", 2),
        ("a: {b: {c: 1}}\na: {b: {d: 1}}", 2),
        ("'unit': 1\nunit: 2", 2),
        ("1: a\n1: b", 2),
        ("base: &base {a: 1, a: 2}\nmore: {<<: *base}", 1),
    ],
)
def test_a_name_that_stands_twice_is_an_error_with_its_line(text, line):
    with pytest.raises(YamlFaultError, match=f"line {line}: `.*` stands twice") as caught:
        read_yaml(text)
    assert caught.value.lineno == line


def test_what_comes_from_another_part_may_be_overridden():
    text = "base: &base {a: 1, b: 2}\none: &one {<<: *base, b: 3}\ntwo: {<<: *one, a: 4}"
    assert read_yaml(text) == {"base": {"a": 1, "b": 2}, "one": {"a": 1, "b": 3}, "two": {"a": 4, "b": 3}}


@pytest.mark.parametrize("word", ["no", "NO", "on", "Off", "yes", "y", "012", "0x1F", "12:30", "1_000", "2020-01-01",
    "2020-01-01T08:00:00", "1e5", "=", ".inf", ".nan", "0o14", "+"])  # fmt: skip
def test_a_plain_word_is_text(word):
    assert read_yaml(f"a: {word}") == {"a": word}
    assert read_yaml(f"{word}: a") == {word: "a"}


@pytest.mark.parametrize(
    ("word", "value"),
    [("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("7", 7), ("-3", -3), ("0.5", 0.5)],
)
def test_nothing_truth_and_plain_numbers_are_read(word, value):
    assert read_yaml(f"a: {word}") == {"a": value}


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: \u200bcanary",
        "a: *canary",
        "a: !canary b",
        "a: 'canary",
        "? [1]\n: 2",
        "[" * 3000,
        "\x00",
        "名: 积".encode("gbk"),
    ],
)
def test_what_is_no_yaml_is_told_without_what_stands_there(text):
    with pytest.raises(YamlFaultError) as caught:
        read_yaml(text)
    assert "canary" not in str(caught.value)
