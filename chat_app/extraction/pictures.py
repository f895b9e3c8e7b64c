"""Pictures as they are shown and sent: upright, without what a camera wrote into them, no larger than models take.

It runs in a process of its own (`workers.py`): what a stranger made is decoded here.
"""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path

import pi_heif
from PIL import Image, ImageCms

from chat_app.extraction.refused import Refused

THUMB_EDGE = 512
_MOST_LOSSLESS = 1_500_000
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STANDING = (None, _TURNS[2], _TURNS[3], _TURNS[4])  # those that leave width and height as they are
_DRAWN = ("PNG", "GIF")  # screenshots and drawings, whose letters JPEG would blur


def prepare(source: Path, target: Path, most_pixels: int, view_edge: int) -> dict[str, object]:
    """Make the copies of a picture: `<target>.view` and `<target>.thumb`.

    Args:
        source: The picture, of any kind that `kinds.kind_of` calls one.
        target: Where the copies go.
        most_pixels: The largest that is taken.
        view_edge: Pixels of the longer side of the copy that is shown and sent.

    Returns:
        The `FileFacts` of it.

    Raises:
        Refused: It is too large, cut off, or none.
    """
    Image.MAX_IMAGE_PIXELS = None  # the bound is ours, and looked at before anything is decoded
    pi_heif.register_heif_opener()  # pyright: ignore[reportUnknownMemberType]
    try:
        with Image.open(source) as picture:
            if picture.width * picture.height > most_pixels:
                raise Refused("pixels", most=most_pixels // 1_000_000)
            is_drawn = picture.format in _DRAWN
            turn = _TURNS.get(_orientation(picture))
            width, height = picture.size if turn in _STANDING else picture.size[::-1]
            picture.draft("RGB", (view_edge, view_edge))  # JPEG alone: decoded at a fraction of its size, yet not below
            view = _plain(picture, turn)
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError) as error:  # what Pillow's decoders raise
        raise Refused("broken") from error
    view.thumbnail((view_edge, view_edge), Image.Resampling.LANCZOS)
    content, kind = _encoded(view, is_drawn=is_drawn)
    target.with_suffix(".view").write_bytes(content)
    view.thumbnail((THUMB_EDGE, THUMB_EDGE), Image.Resampling.LANCZOS)
    view.save(target.with_suffix(".thumb"), "WEBP", quality=80)
    return {"width": width, "height": height, "view_type": kind}


def _orientation(picture: Image.Image) -> int:
    """How a camera was held (Exif 2.32, tag 0x0112); 1 is upright, and what is meant where that cannot be read."""
    try:
        held = picture.getexif().get(0x0112, 1)
    except (struct.error, TypeError, ValueError, SyntaxError):
        return 1
    return held if isinstance(held, int) else 1


def _plain(picture: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    """Its pixels alone: upright, in sRGB, on white."""
    profile = picture.info.get("icc_profile")
    upright = picture.copy() if turn is None else picture.transpose(turn)
    if upright.mode.startswith("I"):  # 16 bits of grey
        upright = upright.point(lambda value: value / 256).convert("L")  # pyright: ignore[reportUnknownMemberType]
    if upright.has_transparency_data:
        drawn = upright.convert("RGBA")
        upright = Image.new("RGBA", drawn.size, "white")
        upright.alpha_composite(drawn)
    plain = upright.convert("RGB")
    if profile and picture.mode == "RGB":
        with suppress(ImageCms.PyCMSError, OSError):  # a profile that cannot be read: the colours are taken as they are
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            plain = ImageCms.profileToProfile(plain, given, _srgb()) or plain
    plain.info = {}  # what is in it would be written into the copies
    return plain


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _encoded(view: Image.Image, *, is_drawn: bool) -> tuple[bytes, str]:
    if is_drawn:
        lossless = io.BytesIO()
        view.save(lossless, "PNG")
        if lossless.tell() <= _MOST_LOSSLESS:
            return lossless.getvalue(), "image/png"
    small = io.BytesIO()
    view.save(small, "JPEG", quality=85)
    return small.getvalue(), "image/jpeg"
