"""The unified social credit code (统一社会信用代码), by GB 32100-2015, and the older codes that stand inside it."""

import csv
import re
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.errors import ConfigError
from connectors.spelling import as_code

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: I, O, S, V and Z are never used."""
EXCEPTIONS_FILE = Path(__file__).with_name("uscc_exceptions.csv")

_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_VALUES = {character: value for value, character in enumerate(ALPHABET)}

_ALL_WEIGHTS = np.array([*_WEIGHTS, 1], np.float32)
"""The check character counts once: with it, the sum of a valid code is a multiple of 31."""
_BYTE_VALUES = np.full(256, -1, np.float32)
_BYTE_VALUES[[ord(character) for character in ALPHABET]] = range(31)

_COUNTED_UP = "123456789012345678"
"""A placeholder whose check character is right, as that of zeros alone is: placeholders are listed beside the check."""
_NO_DIVISION, _NO_ORGANISATION = "0" * 6, "0" * 8

_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_BLANKS = re.compile(r"\s")
# Small letters are other forms of the same ones; no other letter is.
_CAPITALS = {ord(letter): ord(letter.upper()) for letter in "abcdefghijklmnopqrstuvwxyz"}
_LOOKALIKES = str.maketrans("OIZS", "0125")


@cache
def exceptions() -> frozenset[str]:
    """Codes legally issued although their own check character is wrong, from `uscc_exceptions.csv`.

    Raises `ConfigError` for a line that is no such code, says no reason or comes twice.
    """
    found: set[str] = set()
    with EXCEPTIONS_FILE.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            code, why = row.get("code") or "", (row.get("why") or "").strip()
            is_one = len(code) == 18 and set(code) <= set(ALPHABET) and code[17] != check_character(code[:17])
            if not is_one or not why or code in found:
                what = f"{code or 'an empty code'} is no code that fails its own check, has no reason, or comes twice."
                raise ConfigError(what, f"{EXCEPTIONS_FILE.name} line {line}", "fix or remove the line")
            found.add(code)
    return frozenset(found)


def tidy(text: str) -> str:
    """A code as it is compared: no blanks, half-width, capital letters. Those are typing habits, not other codes."""
    return _BLANKS.sub("", as_code(text)).translate(_CAPITALS)


def repair(code: str) -> str | None:
    """The one valid code that a code with letters no code has was meant to be, or None.

    O, I, Z and S are typed for 0, 1, 2 and 5 and stand for nothing else; V is typed for nothing. What comes out is
    checked like any other code.
    """
    repaired = code.translate(_LOOKALIKES)
    return repaired if repaired != code and fault(repaired) is None else None


def fault(code: str) -> str | None:
    """Why `code` is not a valid code, or None where it is one.

    `uscc_length`, `uscc_alphabet`, `uscc_check_character`, or `placeholder_code` where it only fills the field.

    Every registering department is accepted, A, N and Y too. The check is (31 - sum mod 31) mod 31: without the outer
    modulo each code whose check character is `0`, about one in 31, would be refused.
    """
    if len(code) != 18:
        return "uscc_length"
    if any(character not in _VALUES for character in code):
        return "uscc_alphabet"
    if code[17] != check_character(code[:17]) and code not in exceptions():
        return "uscc_check_character"
    if code[2:8] == _NO_DIVISION or code[8:16] == _NO_ORGANISATION or code == _COUNTED_UP:
        return "placeholder_code"
    return None


def enterprise_fault(code: str) -> str | None:
    """Why `code` is no code of an enterprise, or None where it is one.

    18 characters: the unified code. 9: the organisation code by GB 11714. 15: the old tax number, six digits of the
    division before the organisation code. The reason is that of `fault`, or `organisation_code`, `tax_number`,
    `placeholder_code` or `enterprise_code_length`.
    """
    if len(code) in (9, 15) and code[-9:-1] == _NO_ORGANISATION:
        return "placeholder_code"
    if len(code) == 18:
        return fault(code)
    if len(code) == 9:
        return None if is_organisation_code(code) else "organisation_code"
    if len(code) == 15:
        digits = code[:6].isascii() and code[:6].isdigit()
        return None if digits and is_organisation_code(code[6:]) else "tax_number"
    return "enterprise_code_length"


def without_hyphen(code: str) -> str:
    """An organisation code as it is stored: `12345678-X` is `12345678X`."""
    return code[:8] + code[9:] if len(code) == 10 and code[8] == "-" else code


def is_organisation_code(code: str) -> bool:
    """Whether nine characters are an organisation code (组织机构代码) with its own check character."""
    known = len(code) == 9 and code.isascii() and code[:8].isalnum() and code == code.upper()
    return known and code[8] == organisation_check_character(code[:8])


def organisation_check_character(body: str) -> str:
    """The check character of the first 8 characters, by GB 11714: 11 - sum mod 11, 10 is X and 11 is 0."""
    # int(…, 36) reads 0-9 as they are and A-Z as 10-35, which is what the standard says.
    total = sum(int(character, 36) * weight for character, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def are_valid(codes: pa.Array) -> np.ndarray:
    """For each code of a string array without nulls whether it is valid: the same rule as `fault`, all at once."""
    lengths = pc.binary_length(codes).to_numpy(zero_copy_only=False)
    found = np.asarray(lengths == 18)
    letters = _bytes_of(codes if found.all() else codes.filter(pa.array(found)))
    # Sums below 2 ** 24 are exact in this type, and its product of matrices is the fast one.
    values = np.take(_BYTE_VALUES, letters).reshape(-1, 18)
    sums = values @ _ALL_WEIGHTS
    right = (sums % 31 == 0) & (values.min(axis=1) >= 0)
    zeros = values == 0
    right &= ~(zeros[:, 2:8].all(axis=1) | zeros[:, 8:16].all(axis=1))
    right &= (letters.reshape(-1, 18) != np.frombuffer(_COUNTED_UP.encode(), np.uint8)).any(axis=1)
    found[found] = right
    return found


def _bytes_of(codes: pa.Array) -> np.ndarray:
    _, _, data = codes.buffers()
    if data is None:
        return np.zeros(0, np.uint8)
    first, last = codes.offset, codes.offset + len(codes)
    offsets = np.frombuffer(codes.buffers()[1], np.int32)
    return np.frombuffer(data, np.uint8)[offsets[first] : offsets[last]]


def check_character(body: str) -> str:
    """The check character of the first 17 characters."""
    total = sum(_VALUES[character] * weight for character, weight in zip(body, _WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31]
