"""The unified social credit code (统一社会信用代码), by GB 32100-2015."""

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: I, O, S, V and Z are never used."""

_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_VALUES = {character: value for value, character in enumerate(ALPHABET)}

EXCEPTIONS = frozenset({"91350203M0001QAY9B"})
"""Codes legally issued although their own check character is wrong (the embedded organisation code is right)."""


def fault(code: str) -> str | None:
    """Why `code` is not a valid code (`uscc_length`, `uscc_alphabet`, `uscc_check_character`), or None where it is.

    Every registering department is accepted, A, N and Y too. The check is (31 - sum mod 31) mod 31: without the outer
    modulo each code whose check character is `0`, about one in 31, would be refused.
    """
    if len(code) != 18:
        return "uscc_length"
    if any(character not in _VALUES for character in code):
        return "uscc_alphabet"
    if code not in EXCEPTIONS and code[17] != check_character(code[:17]):
        return "uscc_check_character"
    return None


def check_character(body: str) -> str:
    """The check character of the first 17 characters."""
    total = sum(_VALUES[character] * weight for character, weight in zip(body, _WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31]
