"""Pictures people bring, drawn anew: whatever was hidden in the file does not survive."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from dilo.kit.errors import Refusal

WIDTHS = (160, 480, 1200)
BYTES_MAX = 8 * 1024 * 1024
PIXELS_MAX = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
Image.MAX_IMAGE_PIXELS = PIXELS_MAX


@dataclass(frozen=True, slots=True)
class Drawn:
    """``width`` and ``height`` of the largest; ``sizes``: asked width to WebP bytes."""

    width: int
    height: int
    sizes: dict[int, bytes]


def drawn_anew(data: bytes) -> Drawn:
    """Decoded and encoded again in each width: no metadata, no second file inside. The size is
    read from the header before a pixel is decoded.

    Raises TOO_LARGE, PICTURE_BAD (not a JPEG, PNG or WebP, or broken, or more than 40 megapixels).
    """
    if len(data) > BYTES_MAX:
        raise Refusal("TOO_LARGE", status=413, megabytes=BYTES_MAX // 1048576)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                if opened.width * opened.height > PIXELS_MAX or min(opened.size) < 1:
                    raise Refusal("PICTURE_BAD", status=422)
                opened.draft("RGB", (WIDTHS[-1], WIDTHS[-1]))
                picture = ImageOps.exif_transpose(opened)
                plain = picture.convert("RGBA" if _is_clear(picture) else "RGB")
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,
        ValueError,
    ):
        raise Refusal("PICTURE_BAD", status=422) from None
    sizes = {width: _encoded(plain, width) for width in WIDTHS}
    largest = _fitted(plain, WIDTHS[-1])
    return Drawn(largest[0], largest[1], sizes)


def _is_clear(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _fitted(picture: Image.Image, width: int) -> tuple[int, int]:
    """Never enlarged; a very tall one is bound by its height."""
    scale = min(1.0, width / picture.width, 2 * width / picture.height)
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))


def _encoded(picture: Image.Image, width: int) -> bytes:
    file = io.BytesIO()
    small = picture.resize(_fitted(picture, width), Image.Resampling.LANCZOS)
    small.save(file, "WEBP", quality=80, method=3)
    return file.getvalue()
