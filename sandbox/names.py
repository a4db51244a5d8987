"""Enterprise names that no real one bears: transliteration syllables in a fixed order, and how agencies write them."""

from typing import Final

# Three syllables of the kind used to spell foreign words, never a name a founder would choose; 29 is prime, so a
# stride walks through all 24,389 of them before one returns.
SYLLABLES: Final = "阿巴珂弗葛赫伽卡洛弥诺帕奇瑞萨塔乌薇希雅泽楠钛铂曜翎澜砾霁"
_COMBINATIONS: Final = len(SYLLABLES) ** 3
_STRIDE: Final = 7_919
_ENDINGS: Final = ("科技有限公司", "科技有限公司", "有限公司", "技术有限公司", "股份有限公司", "实业有限公司")

_HALF_TO_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def brand(number: int) -> str:
    """Return the three syllables that stand for a number; different for all numbers below 24,389."""
    place = number * _STRIDE % _COMBINATIONS
    base = len(SYLLABLES)
    return SYLLABLES[place // base**2] + SYLLABLES[place // base % base] + SYLLABLES[place % base]


def company_name(number: int, trade: str) -> str:
    """Return a company's name: 惠州 + brand + trade + legal form; one in nine has brackets, one in 13 Latin letters."""
    word = brand(number)
    ending = _ENDINGS[number % len(_ENDINGS)]
    if number % 9 == 4:
        return f"{word}（惠州）{trade}{ending}"
    if number % 13 == 6:
        return f"惠州{word}Qx{number % 10}{trade}{ending}"
    return f"惠州{word}{trade}{ending}"


def body_name(number: int, trade: str) -> str:
    """Return the name of a public institution or private non-enterprise body (codes 12... and 52...)."""
    return f"惠州{brand(number)}{trade}研究院"


def in_full_width(name: str) -> str:
    """Return the name with each ASCII sign in its full-width form, as some clerks' input methods write it."""
    return name.translate(_HALF_TO_FULL_WIDTH)


def in_long_form(name: str) -> str:
    """Return a limited company's name with its legal form written in full."""
    return name.removesuffix("有限公司") + "有限责任公司"


def with_half_width_brackets(name: str) -> str:
    """Return the name with （） written ()."""
    return name.replace("（", "(").replace("）", ")")


def with_blanks(name: str) -> str:
    """Return the name with a blank, an ideographic blank and a trailing blank in it."""
    return f"{name[:2]} {name[2:5]}\u3000{name[5:]} "
