"""Pictures that people bring: opened within limits, turned upright, made smaller, written anew.

What leaves is a picture of ours, made of pixels alone: no metadata, no place where it was taken,
no second format hidden behind the first.
"""

import asyncio
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageOps

from dilo.kit.errors import Refusal

BYTES_MAX = 12 * 1024 * 1024
PIXELS_MAX = 40_000_000
SIDE_MAX = 1800
WIDTHS = (160, 480, 1200)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY = 82


@dataclass(frozen=True, slots=True)
class InWidths:
    """``width`` and ``height`` of the largest; ``sizes``: asked width to WebP bytes."""

    width: int
    height: int
    sizes: dict[int, bytes]


async def reencoded(body: bytes, side: int = SIDE_MAX) -> bytes:
    """A JPEG no side of which is longer than ``side``. Raises IMAGE_BAD, IMAGE_TOO_LARGE."""
    return await asyncio.to_thread(_reencoded, body, side)


async def in_widths(body: bytes) -> InWidths:
    """A WebP of each of ``WIDTHS``, never enlarged. Raises IMAGE_BAD, IMAGE_TOO_LARGE."""
    return await asyncio.to_thread(_in_widths, body)


def _reencoded(body: bytes, side: int) -> bytes:
    with _opened(body, side) as upright:
        upright.thumbnail((side, side))
        flat = Image.new("RGB", upright.size, "white")
        see_through = upright.convert("RGBA")
        flat.paste(see_through, mask=see_through.getchannel("A"))
        made = io.BytesIO()
        flat.save(made, "JPEG", quality=QUALITY, optimize=True)
        return made.getvalue()


def _in_widths(body: bytes) -> InWidths:
    with _opened(body, WIDTHS[-1]) as upright:
        plain = upright.convert("RGBA" if _is_clear(upright) else "RGB")
        largest = _fitted(plain, WIDTHS[-1])
        return InWidths(*largest, {width: _webp(plain, width) for width in WIDTHS})


@contextmanager
def _opened(body: bytes, side: int) -> Iterator[Image.Image]:
    """The size is read from the header before a pixel is decoded."""
    if len(body) > BYTES_MAX:
        raise Refusal("IMAGE_TOO_LARGE", status=422, megabytes=BYTES_MAX // 1048576)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=FORMATS) as opened:
                if opened.width * opened.height > PIXELS_MAX:
                    raise Image.DecompressionBombError
                opened.draft("RGB", (side, side))
                yield ImageOps.exif_transpose(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refusal("IMAGE_TOO_LARGE", status=422, megabytes=BYTES_MAX // 1048576) from None
    except Exception:  # Pillow's decoders raise whatever a hostile file makes them
        raise Refusal("IMAGE_BAD", status=422) from None


def _is_clear(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _fitted(picture: Image.Image, width: int) -> tuple[int, int]:
    """A very tall one is bound by its height."""
    scale = min(1.0, width / picture.width, 2 * width / picture.height)
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))


def _webp(picture: Image.Image, width: int) -> bytes:
    made = io.BytesIO()
    small = picture.resize(_fitted(picture, width), Image.Resampling.LANCZOS)
    small.save(made, "WEBP", quality=QUALITY, method=3)
    return made.getvalue()
