"""How much each level counts for, written down apart from the rule set, so that each can be held against the other."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_PLACES: Final = ("1", "2", "3", "finalist", "other")


def _quantities(**levels: str) -> dict[str, Decimal]:
    return {level: Decimal(quantity) for level, quantity in levels.items()}


QUANTITIES: Final[Mapping[str, Mapping[str, Decimal]]] = {
    "L01": _quantities(national="3", provincial="2"),
    "L02": _quantities(city="1", zone="1"),
    "L14": _quantities(international="2", national="1.5", industry="1", group="0.5"),
    "L16": _quantities(
        tech_sme="1", innovative_sme="1.5", hnte="3", specialised_sme="3.5", little_giant="5", champion="5"
    ),
    "L17": {
        **{f"national_{place}": Decimal(6) for place in _PLACES},
        **_quantities(
            provincial_1="5", provincial_2="4", provincial_3="3", provincial_finalist="1", provincial_other="0"
        ),
    },
    "L18": {
        **{f"{level}_{place}": Decimal(2 if place == "1" else 1) for level in ("city", "zone") for place in _PLACES},
        "challenge": Decimal(1),
    },
    "L19": _quantities(A="8", B="5", C="2", D="0"),
    "L20": _quantities(A="6", B="4", M="3", C="1", D="0"),
    "L22": _quantities(minor="1", general="2", serious="6", unstated="2"),
}
"""Quantity by indicator and level."""
