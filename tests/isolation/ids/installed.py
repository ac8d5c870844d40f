"""What the isolation tests must know of the portal as an app: its shell is everyone's."""

from town import Cast

OPEN = {
    "/manifest.webmanifest",
    "/app-icon/{icon_file}",
    "/worker.js",
    "/offline",
    "/{lang}/manifest.webmanifest",
    "/{lang}/offline",
    "/shop/icons/{icon_file}",
}


async def ids_of(town: Cast) -> dict[str, object]:
    return {"icon_file": "192.png"} if town else {}
