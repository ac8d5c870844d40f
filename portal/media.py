"""Pictures and documents of goods, by keys nobody guesses, from this host's tenant only."""

from urllib.parse import quote

from litestar import Response, get

from dilo.catalogue import media

YEAR = "public, max-age=31536000, immutable"
ANYONE = {"verb": "anyone"}


@get("/media/{media_key:str}/{pixels:int}", opt=ANYONE)
async def picture(media_key: str, pixels: int) -> Response[bytes]:
    path = await media.picture_file(media_key, pixels)
    headers = {"cache-control": YEAR, "x-content-type-options": "nosniff"}
    return Response(path.read_bytes(), media_type="image/webp", headers=headers)


@get("/documents/{media_key:str}", opt=ANYONE)
async def document(media_key: str) -> Response[bytes]:
    path, name = await media.document_file(media_key)
    return Response(
        path.read_bytes(),
        media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "cache-control": YEAR,
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
        },
    )


routes = [picture, document]
