"""Pictures are drawn anew, documents only handed over; neither opens for another tenant."""

import io
import struct
import zlib

import pytest
from browsing import Visitor, client_of, staff, visitor
from PIL import Image
from town import Cast

from dilo.catalogue import media
from dilo.kit import db, files, images
from dilo.kit.errors import Refusal
from dilo.messaging.sending import drain
from dilo.run import events
from tenants.scope import scope


def picture(kind: str = "PNG", size: tuple[int, int] = (1600, 900), **more: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "orange").save(file, kind, **more)
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of 60,000 by 60,000 pixels that weighs a few hundred bytes."""
    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<html><script>alert(1)</script></html>"


@pytest.mark.parametrize(
    "data",
    [SVG, HTML, b"", b"GIF89a" + HTML, b"\xff\xd8\xff\xe0" + HTML, b"%PDF-1.7", picture("TIFF"), picture()[:200]],
)  # fmt: skip
async def test_what_is_no_plain_picture_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal, match="IMAGE_BAD"):
        await images.in_widths(data)


async def test_nothing_hidden_in_a_picture_survives() -> None:
    exif = Image.Exif()
    exif[0x010E] = "50.45N 30.52E"
    exif[0x0112] = 6
    data = picture("JPEG", (800, 400), exif=exif.tobytes()) + HTML
    drawn = await images.in_widths(data)
    assert (drawn.width, drawn.height) == (400, 800)  # turned as the camera was held
    for width, body in drawn.sizes.items():
        with Image.open(io.BytesIO(body)) as opened:
            assert opened.format == "WEBP"
            assert opened.width <= width
            assert not opened.getexif()
        assert b"50.45N" not in body
        assert b"<script" not in body
    for large in (b"\0" * (images.BYTES_MAX + 1), bomb()):
        with pytest.raises(Refusal, match="IMAGE_TOO_LARGE"):
            await images.in_widths(large)


async def upload(one: Visitor, url: str, *files: tuple[str, bytes]) -> int:
    if not one.token:
        await one.open("/office/account")
    answer = await one.client.post(
        url,
        data={"_csrf_token": one.token},
        files=[("files", (name, data, "image/png")) for name, data in files],
    )
    return answer.status_code


async def test_uploaded_ordered_shown_and_shut_to_other_hosts(town: Cast, rival: Cast) -> None:
    lamp = town.products["LAMP-1"]
    home = f"/office/products/{lamp}"
    async with staff(town) as one:
        await one.open(f"{home}/edit")
        two = (("../../etc/passwd.png", picture()), ("b.jpg", picture("JPEG", (90, 300))))
        assert await upload(one, f"{home}/pictures", *two) == 303
        assert await upload(one, f"{home}/documents", ("сертифікат.pdf", b"%PDF-1.7 x")) == 303
        for bad in (
            ("a.pdf", HTML),
            ("a.html", HTML),
            ("a.svg", SVG),
            ("a.pdf.exe", b"MZ"),
            ("pdf", b"%PDF-"),
        ):
            assert await upload(one, f"{home}/documents", bad) == 422
        assert await upload(one, f"{home}/pictures", ("a.png", SVG)) == 422
        async with scope(town.tenant):
            media = await db.rows(
                "SELECT id, key, kind, name FROM product_media ORDER BY kind DESC, position"
            )
        assert [m["name"] for m in media] == ["passwd.png", "b.jpg", "сертифікат.pdf"]
        await one.post(f"{home}/media/{media[1]['id']}/first")
        await one.post(f"{home}/media/{media[1]['id']}", {"uk": "Збоку", "name": "b.jpg"})
        page = (await one.get(f"{home}/shop-window")).text
        assert page.index(media[1]["key"]) < page.index(media[0]["key"])
    async with client_of(town) as one:
        text = (await one.get(f"/goods/{lamp}")).text
        assert 'alt="Збоку"' in text
        assert 'width="' in text
        shown = await one.get(f"/media/{media[0]['key']}/480")
        assert shown.headers["content-type"] == "image/webp"
        assert "immutable" in shown.headers["cache-control"]
        given = await one.get(f"/documents/{media[2]['key']}")
        assert given.headers["content-disposition"].startswith("attachment")
        assert given.headers["x-content-type-options"] == "nosniff"
        assert (await one.get(f"/media/{media[2]['key']}/480")).status_code == 404
        assert (await one.get(f"/documents/{media[0]['key']}")).status_code == 404
        for odd in (
            f"/media/{media[0]['key']}/481",
            "/media/..%2f..%2fetc/480",
            f"/media/{'0' * 32}/160",
        ):
            assert (await one.get(odd)).status_code == 404
    async with visitor(rival.host) as there:
        assert (await there.get(f"/media/{media[0]['key']}/480")).status_code == 404
        assert (await there.get(f"/documents/{media[2]['key']}")).status_code == 404


async def test_the_files_of_a_removed_picture_go_once_the_row_is_gone(town: Cast) -> None:
    events.wire()
    lamp = town.products["LAMP-1"]
    async with scope(town.tenant):
        await media.add_pictures(town.olena, lamp, [("a.png", picture())])
        [kept] = await media.media_of(lamp)
    room = files.folder(town.tenant.id, media.ROOM)
    assert len(list(room.glob(f"{kept['key']}*"))) == len(images.WIDTHS)
    with pytest.raises(RuntimeError):
        async with scope(town.tenant):
            await media.drop_media(town.olena, lamp, kept["id"])
            raise RuntimeError
    await drain(town.tenant.id)
    assert list(room.glob(f"{kept['key']}*")), "rolled back: nothing is lost"
    async with scope(town.tenant):
        await media.drop_media(town.olena, lamp, kept["id"])
    await drain(town.tenant.id)
    assert not list(room.glob(f"{kept['key']}*"))
