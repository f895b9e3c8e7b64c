"""Pictures are shown and sent upright, small, and without what a camera knows; what is none is refused, in a sentence."""

import io
from pathlib import Path

import pytest
from PIL import Image

from chat_app.conversations.attachments import VIEW_EDGE
from chat_app.errors import FileRefused, StoreUnavailable
from chat_app.extraction.workers import Workers
from chat_app.messages import FileFacts
from tests import files

MOST = 25_000_000


@pytest.fixture
def workers() -> Workers:
    return Workers(at_once=2, time_s=20, memory_bytes=1_000_000_000)


async def _prepared(workers: Workers, folder: Path, content: bytes, most: int = MOST) -> FileFacts:
    (folder / "given").write_bytes(content)
    return await workers.run("picture", folder / "given", folder / "made", most, VIEW_EDGE)


def _colours(path: Path) -> tuple[str, str]:
    """Above and below the middle."""
    with Image.open(path) as made:
        shown = made.convert("RGB")
        pair = (
            shown.getpixel((shown.width // 2, shown.height // 4)),
            shown.getpixel((shown.width // 2, shown.height * 3 // 4)),
        )
    return tuple("red" if red > blue else "blue" for red, _, blue in pair)


@pytest.mark.parametrize(
    ("kind", "shown_as"),
    [
        ("PNG", "image/png"),
        ("GIF", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/jpeg"),
        ("AVIF", "image/jpeg"),
        ("HEIF", "image/jpeg"),
    ],
)
async def test_every_kind_of_picture_is_made_one_that_every_browser_and_model_takes(workers, tmp_path, kind, shown_as):
    facts = await _prepared(workers, tmp_path, files.image(kind))

    assert facts == FileFacts(640, 480, shown_as)
    assert _colours(tmp_path / "made.view") == _colours(tmp_path / "made.thumb") == ("red", "blue")
    with Image.open(tmp_path / "made.view") as view, Image.open(tmp_path / "made.thumb") as thumb:
        assert (view.get_format_mimetype(), view.size) == (shown_as, (640, 480))
        assert (thumb.format, thumb.size) == ("WEBP", (512, 384))


async def test_a_photo_stands_upright_and_does_not_say_where_it_was_taken(workers, tmp_path):
    given = files.photo()
    assert Image.open(io.BytesIO(given)).getexif().get_ifd(0x8825)

    facts = await _prepared(workers, tmp_path, given)

    assert (facts.width, facts.height) == (480, 640)
    assert _colours(tmp_path / "made.view") == ("red", "blue")
    for made in (tmp_path / "made.view", tmp_path / "made.thumb"):
        with Image.open(made) as copy:
            assert dict(copy.getexif()) == {}
            assert {"exif", "xmp", "comment", "icc_profile", "photoshop"} & copy.info.keys() == set()
        assert b"Secret street" not in made.read_bytes()


@pytest.mark.parametrize("odd", [99, 0])
async def test_what_cannot_be_told_of_how_a_camera_was_held_is_upright(workers, tmp_path, odd):
    exif = Image.Exif()
    exif[0x0112] = odd
    file = io.BytesIO()
    files.picture().save(file, "JPEG", exif=exif)
    facts = await _prepared(workers, tmp_path, file.getvalue())

    assert (facts.width, facts.height) == (640, 480)


async def test_a_large_picture_is_made_as_large_as_models_look_at(workers, tmp_path):
    facts = await _prepared(workers, tmp_path, files.image("JPEG", 6000, 4000))

    assert (facts.width, facts.height) == (6000, 4000)
    with Image.open(tmp_path / "made.view") as view:
        assert view.size == (2048, 1365)


async def test_a_moving_picture_is_its_first_frame(workers, tmp_path):
    await _prepared(workers, tmp_path, files.animation())

    assert _colours(tmp_path / "made.view") == ("red", "red")


async def test_what_is_transparent_is_white(workers, tmp_path):
    file = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(file, "PNG")
    await _prepared(workers, tmp_path, file.getvalue())

    with Image.open(tmp_path / "made.view") as view:
        assert view.convert("RGB").getpixel((20, 20)) == (255, 255, 255)


async def test_sixteen_bits_of_grey_keep_their_shades(workers, tmp_path):
    file = io.BytesIO()
    Image.new("I;16", (40, 40), 0x8000).save(file, "PNG")
    await _prepared(workers, tmp_path, file.getvalue())

    with Image.open(tmp_path / "made.view") as view:
        assert view.convert("L").getpixel((20, 20)) in range(126, 130)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (files.image("JPEG")[:3000], "broken"),
        (files.image("PNG")[:600], "broken"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "broken"),
        (files.bomb(), "pixels"),
        (files.image("PNG", 6000, 5000), "pixels"),
    ],
    ids=["a cut JPEG", "a cut PNG", "a PNG in name alone", "a bomb", "too many pixels"],
)
async def test_what_is_no_picture_or_too_large_a_one_is_refused(workers, tmp_path, content, reason):
    with pytest.raises(FileRefused) as refused:
        await _prepared(workers, tmp_path, content)

    assert refused.value.reason == reason
    assert [path.name for path in tmp_path.iterdir()] == ["given"]


async def test_a_worker_that_takes_too_much_memory_or_time_is_ended_and_said_to_be(tmp_path):
    content = files.image("PNG", 5000, 5000)
    for bounds in ({"memory_bytes": 60_000_000, "time_s": 20}, {"memory_bytes": 2_000_000_000, "time_s": 0}):
        with pytest.raises(FileRefused) as refused:
            await _prepared(Workers(at_once=1, **bounds), tmp_path, content)
        assert refused.value.reason in ("heavy", "broken")


async def test_a_disk_without_room_is_no_fault_of_the_picture(workers, tmp_path):
    (tmp_path / "made.view").symlink_to("/dev/full")

    with pytest.raises(StoreUnavailable):
        await _prepared(workers, tmp_path, files.image("PNG"))
