"""An SMSC on loopback that speaks SMPP 3.4, written from the specification and not from our client.

``say(number, ...)`` scripts answers: "throttle", "bad", "silent" (accepts, never answers), "close"
(accepts, drops the line), "early" (the receipt overtakes the answer). ``receipt`` sends deliver_sm.
"""

import asyncio
import struct
from dataclasses import dataclass, field
from secrets import token_hex

BIND = {0x1: "receiver", 0x2: "transmitter", 0x9: "transceiver"}
SUBMIT, DELIVER, ENQUIRE, UNBIND = 0x4, 0x5, 0x15, 0x6
RESPONSE = 0x80000000
THROTTLED, BAD_NUMBER = 0x58, 0x0B
PAYLOAD = 0x0424


@dataclass
class Submitted:
    message_id: str
    number: str
    sender: str
    text: str
    data_coding: int


@dataclass
class SmscPeer:
    port: int = 0
    accepted: list[Submitted] = field(default_factory=list)
    binds: list[tuple[str, str]] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    scripts: dict[str, list[str]] = field(default_factory=dict)
    server: asyncio.Server | None = None
    lines: list[asyncio.StreamWriter] = field(default_factory=list)
    sequence: int = 0
    name: str = field(default_factory=lambda: token_hex(4))

    def say(self, number: str, *steps: str) -> None:
        self.scripts.setdefault(number, []).extend(steps)

    async def start(self) -> "SmscPeer":
        self.server = await asyncio.start_server(self._line, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        for line in self.lines:
            line.transport.abort()
        if self.server is not None:
            self.server.close()

    async def receipt(self, message_id: str, status: str, *, err: str = "000") -> None:
        text = (
            f"id:{message_id} sub:001 dlvrd:001 submit date:2611240700 done date:2611240701 "
            f"stat:{status} err:{err} text:"
        ).encode()
        body = (
            b"\0"
            + b"\1\1"
            + b"380501112233\0"
            + b"\5\0Dilo\0"
            + b"\x04\0\0"
            + b"\0\0"
            + b"\0\0\0\0"
            + bytes([len(text)])
            + text
        )
        self.sequence += 1
        self.lines[-1].write(_pdu(DELIVER, 0, self.sequence, body))
        await self.lines[-1].drain()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                length, command, _, sequence = struct.unpack("!IIII", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                await self._answer(writer, command, sequence, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, command: int, sequence: int, body: bytes
    ) -> None:
        if command in BIND:
            system_id, password = (part.decode() for part in body.split(b"\0")[:2])
            self.binds.append((system_id, password))
            self.lines.append(writer)
            writer.write(_pdu(command | RESPONSE, 0, sequence, b"SMSC\0"))
        elif command == SUBMIT:
            await self._submitted(writer, sequence, body)
        elif command == DELIVER | RESPONSE:
            self.confirmed.append(sequence)
        elif command in (ENQUIRE, UNBIND):
            writer.write(_pdu(command | RESPONSE, 0, sequence, b""))

    async def _submitted(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> None:
        submitted = _read_submit(body, f"{self.name}-{len(self.accepted) + 1}")
        script = self.scripts.get(submitted.number)
        step = script.pop(0) if script else "ok"
        status = {"throttle": THROTTLED, "bad": BAD_NUMBER}.get(step, 0)
        if status:
            writer.write(_pdu(SUBMIT | RESPONSE, status, sequence, b""))
            return
        self.accepted.append(submitted)
        if step == "early":
            await self.receipt(submitted.message_id, "DELIVRD")
            await asyncio.sleep(0.2)
        if step == "close":
            writer.transport.abort()
        elif step != "silent":
            writer.write(
                _pdu(SUBMIT | RESPONSE, 0, sequence, submitted.message_id.encode() + b"\0")
            )


def _pdu(command: int, status: int, sequence: int, body: bytes) -> bytes:
    return struct.pack("!IIII", 16 + len(body), command, status, sequence) + body


def _read_submit(body: bytes, message_id: str) -> Submitted:
    rest = body.split(b"\0", 1)[1]  # service_type
    sender, rest = rest[2:].split(b"\0", 1)
    number, rest = rest[2:].split(b"\0", 1)
    rest = rest[3:].split(b"\0", 2)[2]  # esm, protocol, priority; schedule; validity
    coding, length = rest[2], rest[4]
    text, rest = rest[5 : 5 + length], rest[5 + length :]
    while len(rest) >= 4:
        tag, size = struct.unpack("!HH", rest[:4])
        if tag == PAYLOAD:
            text = rest[4 : 4 + size]
        rest = rest[4 + size :]
    said = text.decode("utf-16-be" if coding == 8 else "latin-1")
    return Submitted(message_id, number.decode(), sender.decode(), said, coding)
