"""Pictures that people bring: opened, turned upright, made smaller and written anew.

What leaves is a picture of ours, made of pixels alone: no metadata, no place where it was taken,
no second format hidden behind the first.
"""

import asyncio
import io
import warnings

from PIL import Image, ImageOps

from dilo.kit.errors import Refusal

BYTES_MAX = 12 * 1024 * 1024
PIXELS_MAX = 40_000_000
SIDE_MAX = 1800
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY = 82


async def reencoded(body: bytes, side: int = SIDE_MAX) -> bytes:
    """A JPEG no side of which is longer than ``side``. Raises IMAGE_BAD, IMAGE_TOO_LARGE."""
    return await asyncio.to_thread(_reencoded, body, side)


def _reencoded(body: bytes, side: int) -> bytes:
    if len(body) > BYTES_MAX:
        raise Refusal("IMAGE_TOO_LARGE", status=422, megabytes=BYTES_MAX // 1048576)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=FORMATS) as opened:
                if opened.width * opened.height > PIXELS_MAX:
                    raise Refusal("IMAGE_TOO_LARGE", status=422, megabytes=BYTES_MAX // 1048576)
                return _written(opened, side)
    except Refusal:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refusal("IMAGE_TOO_LARGE", status=422, megabytes=BYTES_MAX // 1048576) from None
    except Exception:  # Pillow's decoders raise whatever a hostile file makes them
        raise Refusal("IMAGE_BAD", status=422) from None


def _written(opened: Image.Image, side: int) -> bytes:
    opened.draft("RGB", (side, side))
    upright = ImageOps.exif_transpose(opened)
    upright.thumbnail((side, side))
    flat = Image.new("RGB", upright.size, "white")
    see_through = upright.convert("RGBA")
    flat.paste(see_through, mask=see_through.getchannel("A"))
    made = io.BytesIO()
    flat.save(made, "JPEG", quality=QUALITY, optimize=True)
    return made.getvalue()
