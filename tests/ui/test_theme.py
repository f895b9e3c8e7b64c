"""Contrast of every pair of colours, computed (w3.org/TR/WCAG22, relative luminance)."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "assets" / "theme.css").read_text()
GROUNDS = ("bg", "side", "surface", "fill", "code")


def _block(selector: str) -> dict[str, str]:
    block = re.search(re.escape(selector) + r" \{(.*?)\n\}", CSS, re.DOTALL)
    assert block is not None
    return dict(re.findall(r"--([\w-]+): (#[0-9A-Fa-f]{6});", block[1]))


LIGHT = _block(":root")
SCHEMES = {"light": LIGHT, "dark": LIGHT | _block(":root.dark")}


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_all_text_is_legible_on_every_ground(scheme, ground):
    colors = SCHEMES[scheme]
    for name in ("text", "text-2", "text-3", "accent", "danger", "warn", "ok"):
        assert _contrast(colors[name], colors[ground]) >= 4.5, name
    for name in ("control", "accent"):
        assert _contrast(colors[name], colors[ground]) >= 3, name


@pytest.mark.parametrize("scheme", SCHEMES)
def test_code_and_buttons_are_legible(scheme):
    colors = SCHEMES[scheme]
    for name in ("key", "str", "num", "fn", "com"):
        assert _contrast(colors[f"code-{name}"], colors["code"]) >= 4.5, name
    assert _contrast(colors["on-accent"], colors["accent"]) >= 4.5
