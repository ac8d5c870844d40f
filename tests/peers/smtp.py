"""An SMTP server on loopback (aiosmtpd in its own thread). ``say(address, ...)`` scripts replies.

Steps: "451 ..." and "550 ..." refuse the recipient; "drop" takes the letter and loses the line.
"""

from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from dilo.run.embedded import free_port


@dataclass
class SmtpPeer:
    accepted: list[tuple[str, Message]] = field(default_factory=list)
    scripts: dict[str, list[str]] = field(default_factory=dict)
    controller: Controller | None = None

    def say(self, address: str, *steps: str) -> None:
        self.scripts.setdefault(address, []).extend(steps)

    @property
    def url(self) -> str:
        assert self.controller is not None
        return f"smtp://127.0.0.1:{self.controller.server.sockets[0].getsockname()[1]}"

    def start(self) -> "SmtpPeer":
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.controller.start()
        return self

    def stop(self) -> None:
        if self.controller is not None:
            self.controller.stop(no_assert=True)

    async def handle_RCPT(
        self,
        server: Any,
        session: Any,
        envelope: Any,
        address: str,
        options: Any,
    ) -> str:
        script = self.scripts.get(address, [])
        if script and script[0] != "drop":
            return script.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        address = envelope.rcpt_tos[0]
        self.accepted.append((address, message_from_bytes(envelope.content, policy=default)))
        script = self.scripts.get(address, [])
        if script and script.pop(0) == "drop":
            server.transport.abort()
        return "250 taken"
