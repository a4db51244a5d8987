"""The unified social credit code, by GB 32100, against an independent implementation."""

import random

import pytest
from stdnum.cn import uscc as peer

from connectors.uscc import ALPHABET, EXCEPTIONS, check_character, fault


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


def test_the_issued_code_that_fails_its_own_check_is_on_the_exception_list():
    (code,) = EXCEPTIONS
    assert check_character(code[:17]) != code[17]
    assert fault(code) is None
