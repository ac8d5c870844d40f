"""An SMSC on loopback that speaks SMPP 3.4, written from the specification and not from our client.

``deaf``: lines stay open and nothing is answered any more, not even whether it is alive; with
``swallows`` it still takes what is submitted. ``throws_out``: lets in and closes the line at once.

``say(number, ...)`` scripts answers: "throttle", "bad", "silent" (accepts, never answers), "close"
(accepts, drops the line), "early" (the receipt overtakes the answer). ``receipt`` and ``message``
send deliver_sm. Parts of a long message are in ``parts``; ``accepted`` has it whole, under the id
of its last part.
"""

import asyncio
import struct
from dataclasses import dataclass, field, replace
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
    part: tuple[int, int, int] | None = None
    receipt_wanted: bool = True


@dataclass
class SmscPeer:
    port: int = 0
    accepted: list[Submitted] = field(default_factory=list)
    binds: list[tuple[str, str]] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    scripts: dict[str, list[str]] = field(default_factory=dict)
    parts: list[Submitted] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    enquiries: int = 0
    deaf: bool = False
    swallows: bool = False
    throws_out: bool = False
    most_waiting: int = 0
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

    async def message(
        self, sender: str, text: str, *, part: tuple[int, int, int] | None = None
    ) -> int:
        """Somebody's SMS (or a part of one: reference, total, number). Returns its sequence."""
        raw = text.encode("utf-16-be")
        if part is not None:
            raw = bytes((5, 0, 3, *(part[0], part[1], part[2]))) + raw
        body = (
            b"\0" + b"\1\1" + sender.encode() + b"\0" + b"\1\0380500000001\0"
            + bytes((0x40 if part else 0, 0, 0)) + b"\0\0" + bytes((0, 0, 8, 0, len(raw))) + raw
        )  # fmt: skip
        self.sequence += 1
        self.lines[-1].write(_pdu(DELIVER, 0, self.sequence, body))
        await self.lines[-1].drain()
        return self.sequence

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
        if self.deaf:
            self.enquiries += command == ENQUIRE
            if self.swallows and command == SUBMIT:
                self._take(_read_submit(body, f"{self.name}-{len(self.parts) + 1}"))
            return
        if command in BIND:
            system_id, password = (part.decode() for part in body.split(b"\0")[:2])
            self.binds.append((system_id, password))
            if self.passwords.get(system_id, password) != password:
                writer.write(_pdu(command | RESPONSE, 0x0E, sequence, b""))
                return
            self.lines.append(writer)
            writer.write(_pdu(command | RESPONSE, 0, sequence, b"SMSC\0"))
            if self.throws_out:
                writer.close()
        elif command == SUBMIT:
            await self._submitted(writer, sequence, body)
        elif command == DELIVER | RESPONSE:
            self.confirmed.append(sequence)
        elif command in (ENQUIRE, UNBIND):
            self.enquiries += command == ENQUIRE
            writer.write(_pdu(command | RESPONSE, 0, sequence, b""))

    def _whole(self, last: Submitted) -> Submitted | None:
        if last.part is None:
            return last
        reference, total, _ = last.part
        same = [
            one for one in self.parts
            if one.number == last.number and one.part and one.part[:2] == (reference, total)
        ]  # fmt: skip
        latest = {one.part[2]: one.text for one in same if one.part}
        if len(latest) < total or last.part[2] != total:
            return None
        text = "".join(latest[n] for n in range(1, total + 1))
        return replace(last, text=text)

    def _take(self, submitted: Submitted) -> None:
        self.parts.append(submitted)
        if (whole := self._whole(submitted)) is not None:
            self.accepted.append(whole)

    async def _submitted(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> None:
        submitted = _read_submit(body, f"{self.name}-{len(self.parts) + 1}")
        script = self.scripts.get(submitted.number)
        step = script.pop(0) if script else "ok"
        status = {"throttle": THROTTLED, "bad": BAD_NUMBER}.get(step, 0)
        if status:
            writer.write(_pdu(SUBMIT | RESPONSE, status, sequence, b""))
            return
        self._take(submitted)
        if step == "early":
            await self.receipt(submitted.message_id, "DELIVRD")
            await asyncio.sleep(0.2)
        if step == "close":
            writer.transport.abort()
        elif step != "silent":
            writer.write(
                _pdu(SUBMIT | RESPONSE, 0, sequence, submitted.message_id.encode() + b"\0")
            )


def _part_of(raw: bytes) -> tuple[int, int, int]:
    assert raw[0] == 5
    assert raw[1:3] == b"\x00\x03"
    return raw[3], raw[4], raw[5]


def _septets(raw: bytes) -> str:
    """GSM 03.38, the part of it that ASCII has elsewhere; written out, not taken from our code."""
    shifted = {0x3C: "[", 0x3E: "]", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3D: "~", 0x40: "|",
               0x14: "^", 0x65: "€"}  # fmt: skip
    odd = {0x00: "@", 0x01: "£", 0x02: "$", 0x11: "_"}
    said, codes = "", iter(raw)
    for code in codes:
        said += shifted[next(codes)] if code == 0x1B else odd.get(code, chr(code))
    return said


def _pdu(command: int, status: int, sequence: int, body: bytes) -> bytes:
    return struct.pack("!IIII", 16 + len(body), command, status, sequence) + body


def _read_submit(body: bytes, message_id: str) -> Submitted:
    rest = body.split(b"\0", 1)[1]  # service_type
    sender, rest = rest[2:].split(b"\0", 1)
    number, rest = rest[2:].split(b"\0", 1)
    kind = rest[0]
    rest = rest[3:].split(b"\0", 2)[2]  # esm, protocol, priority; schedule; validity
    wanted, coding, length = rest[0], rest[2], rest[4]
    text, rest = rest[5 : 5 + length], rest[5 + length :]
    part, sar = None, {}
    while len(rest) >= 4:
        tag, size = struct.unpack("!HH", rest[:4])
        if tag == PAYLOAD:
            text = rest[4 : 4 + size]
        elif tag in (0x020C, 0x020E, 0x020F):
            sar[tag] = int.from_bytes(rest[4 : 4 + size])
        rest = rest[4 + size :]
    assert len(text) <= 140 or coding == 0 or not kind, "a part must fit a message of a phone"
    if kind & 0x40:
        part, text = _part_of(text), text[6:]
    elif sar:
        part = (sar[0x020C], sar[0x020E], sar[0x020F])
    said = text.decode("utf-16-be") if coding == 8 else _septets(text)
    return Submitted(message_id, number.decode(), sender.decode(), said, coding, part, wanted == 1)
