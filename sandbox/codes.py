"""Unified social credit codes (GB 32100) made up for the district, and the ways in which they arrive spoilt."""

import random
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FORBIDDEN_LETTERS: Final = "IOZSV"
# No such division stands in GB/T 2260 (Huizhou ends at 441324), so no code made here can be a real enterprise's.
DIVISION: Final = "441399"

_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)


def check_character(body: str) -> str:
    """Return the 18th character for 17 others: (31 - sum of value x 3^i mod 31) mod 31, so no remainder gives "0"."""
    total = sum(ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(body))
    return ALPHABET[-total % 31]


def organisation_check_character(body: str) -> str:
    """Return the ninth character of an organisation code (GB 11714) for its first eight."""
    total = sum(int(character, 36) * weight for character, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def make_code(rng: random.Random, kind: str = "91", *, is_old: bool = False, ends_with_zero: bool = False) -> str:
    """Make a valid code of a kind (department and institution type: "91" company, "52" private non-enterprise, ...).

    An old body (before October 2015) has digits alone in its organisation code, a newer one begins with MA.
    `ends_with_zero` draws until the check character is "0", which many validators get wrong.
    """
    while True:
        head, letters = ("", "0123456789") if is_old else ("MA", ALPHABET)
        organisation = head + "".join(rng.choice(letters) for _ in range(8 - len(head)))
        body = f"{kind}{DIVISION}{organisation}{organisation_check_character(organisation)}"
        check = check_character(body)
        if check == "0" or not ends_with_zero:
            return body + check


def with_wrong_check(code: str) -> str:
    """Return the code with its last character one further in the alphabet."""
    return code[:-1] + ALPHABET[(ALPHABET.index(code[-1]) + 1) % 31]


def with_forbidden_letter(code: str, letter: str) -> str:
    """Return the code with a letter that codes never have (I O Z S V), at the first place from the tenth that fits.

    O is often typed for 0, I for 1, Z for 2 and S for 5: a place with that digit does not fit, since the code could be
    corrected there.
    """
    meant = letter.translate(str.maketrans("OIZS", "0125"))
    place = next(place for place in range(9, 17) if code[place] != meant)
    return code[:place] + letter + code[place + 1 :]


def as_old_taxpayer_number(code: str) -> str:
    """Return the 15-digit taxpayer number of the time before the unified code: division and organisation code."""
    return code[2:17]


def as_organisation_code(code: str) -> str:
    """Return the nine characters of the organisation code within a unified code."""
    return code[8:17]


def with_letters_for_digits(code: str) -> str:
    """Return the code with O, I, Z and S typed for every 0, 1, 2 and 5 of its organisation code."""
    return code[:8] + code[8:17].translate(str.maketrans("0125", "OIZS")) + code[17]


def registration_number(number: int) -> str:
    """Return a 15-digit business registration number (ISO 7064 MOD 11,10) of the time before the unified code."""
    body = f"{DIVISION}{number:08d}"
    carried = 10
    for digit in body:
        carried = ((carried + int(digit)) % 10 or 10) * 2 % 11
    return f"{body}{(11 - carried) % 10}"
