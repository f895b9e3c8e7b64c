"""How sure a share is that was counted: an interval that holds the true one in 95 of 100 cases."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

_Z = 1.959963984540054  # of the normal distribution, for 95 %


class Share(NamedTuple):
    """A share of 1, with the ends of its interval."""

    value: float
    low: float
    high: float


def share(successes: float, trials: int) -> Share | None:
    """A share by E. B. Wilson's interval (JASA 22, 1927), which holds for few trials and near 0 and 1, too.

    Args:
        successes: How many, a half for one that was a draw.
        trials: Of how many.

    Returns:
        None where there were none.
    """
    if not trials:
        return None
    value, square = successes / trials, _Z * _Z / trials
    middle = value + square / 2
    reach = sqrt(square * (value * (1 - value) + square / 4))
    low, high = (middle - reach) / (1 + square), (middle + reach) / (1 + square)
    return Share(value, min(value, max(0.0, low)), max(value, min(1.0, high)))  # rounding puts them a hair beside it
