"""``dilo serve``."""

import rich_click as click
from granian import Granian
from granian.constants import Interfaces, Loops

from dilo.run import servers
from dilo.run.settings import settings


@click.command()
def command() -> None:
    """Run the web server (office, portal, webhooks, API)."""
    with servers.ready():
        Granian(
            "dilo.run.web:app",
            address=settings().dilo_bind,
            port=settings().dilo_port,
            interface=Interfaces.ASGI,
            workers=settings().dilo_web_workers,
            loop=Loops.uvloop,
            websockets=False,
            backlog=1024,
            log_access=False,
            respawn_failed_workers=True,
        ).serve()
