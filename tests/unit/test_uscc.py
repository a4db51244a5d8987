"""The unified social credit code, by GB 32100, against an independent implementation."""

import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as peer

from connectors import uscc
from connectors.errors import ConfigError
from connectors.uscc import ALPHABET, check_character, exceptions, fault, repair, tidy


def made_up(rng: random.Random, head: str = "91") -> str:
    body = head + "441300" + "".join(rng.choice(ALPHABET) for _ in range(17 - 6 - len(head)))
    return body + check_character(body)


def test_a_thousand_made_up_codes_agree_with_python_stdnum():
    rng = random.Random(20250630)
    codes = [made_up(rng) for _ in range(1000)]
    assert all(fault(code) is None and peer.is_valid(code) for code in codes)


def test_a_code_whose_check_character_is_zero_is_valid():
    rng = random.Random(1)
    zeros = [code for code in (made_up(rng) for _ in range(2000)) if code.endswith("0")]
    assert len(zeros) > 30
    assert all(fault(code) is None for code in zeros)


@pytest.mark.parametrize("head", ["12", "31", "52", "93", "A1", "N1", "Y1"])
def test_every_registering_department_is_accepted(head):
    assert fault(made_up(random.Random(2), head)) is None


def test_every_single_character_error_is_caught():
    code = made_up(random.Random(3))
    for place in range(18):
        for other in set(ALPHABET) - {code[place]}:
            assert fault(code[:place] + other + code[place + 1 :]) == "uscc_check_character"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "uscc_length"),
        ("91110000600037341", "uscc_length"),
        ("9111000060003734LL0", "uscc_length"),
        ("9111000060O037341L", "uscc_alphabet"),
        ("91110000600037341N", "uscc_check_character"),
    ],
)
def test_each_fault_has_its_own_reason(code, reason):
    assert fault(code) == reason


def test_what_fills_a_field_where_there_is_no_code_is_none():
    bodies = ["9144030000000000A", "0" * 17, "91000000MA4F2XQ8K"]
    codes = [*(body + check_character(body) for body in bodies), "123456789012345678"]
    assert [fault(code) for code in codes] == ["placeholder_code"] * 4
    assert not uscc.are_valid(pa.array(codes)).any()
    assert {uscc.enterprise_fault(code) for code in ("000000000", "0" * 15, "440300000000000")} == {"placeholder_code"}


@pytest.mark.parametrize("body", ["91100000100000001", "91440300000000015", "12110000000010000"])
def test_a_code_may_have_many_zeros(body):
    code = body + check_character(body)
    assert (fault(code), uscc.are_valid(pa.array([code])).tolist()) == (None, [True])


def test_the_issued_code_that_fails_its_own_check_is_on_the_exception_list():
    (code,) = exceptions()
    assert check_character(code[:17]) != code[17]
    assert fault(code) is None


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("91350203M0001QAY9B,", "line 2"),
        ("91110000600037341L,it is valid by itself", "line 2"),
        ("91350203M0001QAY9,too short", "line 2"),
        ("91350203M0001QAY9B,once\n91350203M0001QAY9B,twice", "line 3"),
    ],
)
def test_an_exception_that_is_none_is_refused_with_its_line(lines, place, tmp_path, monkeypatch):
    file = tmp_path / "uscc_exceptions.csv"
    file.write_text(f"code,why\n{lines}\n", encoding="utf-8")
    monkeypatch.setattr(uscc, "EXCEPTIONS_FILE", file)
    exceptions.cache_clear()
    try:
        with pytest.raises(ConfigError, match=place):
            exceptions()
    finally:
        exceptions.cache_clear()


codes = st.builds(
    lambda head, body: head + body + check_character(head + body),
    st.sampled_from(["91", "92", "12", "52", "A1", "N2", "Y1"]),
    st.text(alphabet=ALPHABET, min_size=15, max_size=15),
).filter(lambda code: fault(code) != "placeholder_code")


@given(codes, st.randoms(use_true_random=False))
def test_any_mix_of_letters_that_no_code_has_is_repaired_to_the_code(code, rng):
    letters = {"0": "O", "1": "I", "2": "Z", "5": "S"}
    typed = "".join(letters.get(one, one) if rng.random() < 0.5 else one for one in code)
    assert repair(typed) == (code if typed != code else None)


@given(codes, st.sampled_from("OIZSV"), st.integers(0, 17))
def test_a_letter_that_stands_for_another_character_is_never_repaired_into_another_code(code, letter, place):
    stands_for = {"O": "0", "I": "1", "Z": "2", "S": "5"}
    typed = code[:place] + letter + code[place + 1 :]
    assert repair(typed) == (code if stands_for.get(letter) == code[place] else None)


def test_the_issued_code_that_fails_its_check_is_repaired_too():
    (code,) = exceptions()
    assert repair(code.replace("0", "O").replace("1", "I")) == code


@pytest.mark.parametrize(
    "typed",
    [
        "91110000600037341l",
        " 9111 0000 6000 37341L ",
        "９１１１００００６０００３７３４１Ｌ",
        "９１１１００００６０００３７３４１ｌ",
        "\ufeff91110000600037341L",
    ],
)
def test_a_code_written_small_full_width_or_with_blanks_is_the_same_code(typed):
    assert tidy(typed) == "91110000600037341L"


def test_a_letter_that_only_grows_into_a_code_is_none():
    assert tidy("\N{LATIN SMALL LIGATURE FF}") != "FF"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("91110000600037341L", None),
        ("91350203M0001QAY9B", None),
        ("600037341", None),
        ("110000600037341", None),
        ("600037342", "organisation_code"),
        ("60003734１", "organisation_code"),
        ("110000600037342", "tax_number"),
        ("A10000600037341", "tax_number"),
        ("9111000060003734", "enterprise_code_length"),
        ("", "enterprise_code_length"),
        ("9111000060O037341L", "uscc_alphabet"),
    ],
)
def test_an_enterprise_is_known_by_any_of_its_three_codes(code, reason):
    assert uscc.enterprise_fault(code) == reason


@pytest.mark.parametrize(
    ("body", "check"), [("D2143569", "X"), ("60003734", "1"), ("MA2YJ1XR", "9"), ("00000000", "0")]
)
def test_the_check_of_an_organisation_code_has_its_x_and_its_zero(body, check):
    assert uscc.organisation_check_character(body) == check
    assert uscc.is_organisation_code(body + check)
    others = [one for one in "0123456789X" if one != check]
    assert not any(uscc.is_organisation_code(body + other) for other in others)


def test_an_organisation_code_is_stored_without_its_hyphen():
    assert uscc.without_hyphen("60003734-1") == "600037341"
    assert uscc.without_hyphen("6000373-41") == "6000373-41"
