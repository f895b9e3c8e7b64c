"""The pictures of the guide are those that the script makes, which walks through the pages that they show."""

import re
from pathlib import Path

import pytest

from tests.pictures import PICTURES, take

GUIDE = Path(__file__).parents[1] / "chat_app" / "guide"


def test_the_guide_shows_every_picture_and_no_other():
    shown = {name for page in GUIDE.rglob("*.md") for name in re.findall(r"/guide/([\w.-]+)", page.read_text())}

    assert shown == {picture.name for picture in PICTURES.iterdir()}


@pytest.mark.slow
def test_every_picture_can_be_made_anew(tmp_path: Path):
    take(tmp_path)

    assert {picture.name for picture in tmp_path.iterdir()} == {picture.name for picture in PICTURES.iterdir()}
