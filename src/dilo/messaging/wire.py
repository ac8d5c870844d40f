"""SMPP 3.4 as bytes: what we say and what an operator says back. Pure; section numbers are the
specification's."""

import re
import struct
from dataclasses import dataclass, field

from dilo.messaging import segments

BIND_TRANSCEIVER, SUBMIT, DELIVER, UNBIND, ENQUIRE, NACK = 0x09, 0x04, 0x05, 0x06, 0x15, 0x80000000
ANSWER = 0x80000000
OK, THROTTLED, QUEUE_FULL, SYSTEM_ERROR, SUBMIT_FAILED, BAD_NUMBER = 0, 0x58, 0x14, 0x08, 0x45, 0x0B
PDU_MAX = 70_000
MULTIPART, RECEIPT, KIND = 0x40, 0x04, 0x3C
PAYLOAD, RECEIPTED_ID, STATE = 0x0424, 0x001E, 0x0427
SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F
STATES = {1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD"}
FIELD = re.compile(r"\b(id|stat):(\S+)", re.IGNORECASE)
ALPHANUMERIC, INTERNATIONAL, ISDN = 5, 1, 1


@dataclass(frozen=True, slots=True)
class Pdu:
    command: int
    status: int
    sequence: int
    body: bytes = b""

    def packed(self) -> bytes:
        size = 16 + len(self.body)
        return struct.pack("!IIII", size, self.command, self.status, self.sequence) + self.body


@dataclass(frozen=True, slots=True)
class Part:
    """Which of how many."""

    reference: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """A deliver_sm: a receipt, or a message of somebody (perhaps a part of one)."""

    sender: str
    receiver: str
    text: str
    is_receipt: bool
    part: Part | None = None
    tags: dict[int, bytes] = field(default_factory=dict)

    def receipt(self) -> tuple[str, str]:
        """Operators differ: the id and the state are in the text, in the tags, or in both."""
        said = {key.lower(): value for key, value in FIELD.findall(self.text)}
        number = self.tags.get(RECEIPTED_ID, b"").rstrip(b"\0").decode("ascii", "replace")
        state = self.tags.get(STATE, b"")
        return (
            said.get("id") or number,
            said.get("stat") or (STATES.get(state[0], "") if state else ""),
        )


def header_of(raw: bytes) -> tuple[int, int, int, int]:
    """Size, command, status, sequence. Raises ValueError for a size nobody means."""
    size, command, status, sequence = struct.unpack("!IIII", raw)
    if not 16 <= size <= PDU_MAX:
        raise ValueError(f"pdu of {size} bytes")
    return size, command, status, sequence


def bind(system_id: str, password: str, system_type: str = "") -> bytes:
    """4.1.5."""
    names = (system_id[:15], password[:64], system_type[:12])
    said = b"".join(name.encode("ascii", "replace") + b"\0" for name in names)
    return said + bytes((0x34, 0, 0)) + b"\0"


def _address(text: str) -> bytes:
    number = text.lstrip("+")
    if number.isdigit():
        return bytes((INTERNATIONAL, ISDN)) + number[:20].encode() + b"\0"
    return bytes((ALPHANUMERIC, 0)) + number[:11].encode("ascii", "replace") + b"\0"


def submissions(sender: str, number: str, text: str, how: str, reference: int) -> list[bytes]:
    """4.4.1: the bodies of submit_sm. ``how`` a long text travels: ``udh`` (a header of its own),
    ``sar`` (optional parameters) or ``payload`` (whole). A receipt is asked for the last one."""
    encoding = segments.encoding_of(text)
    coding = 0 if encoding == "gsm" else 8
    parts = segments.parts_of(text) if how != "payload" else [text]
    made: list[bytes] = []
    for n, part in enumerate(parts, 1):
        raw = segments.septets(part) if coding == 0 else part.encode("utf-16-be")
        kind, tags = 0, b""
        if len(parts) > 1 and how == "sar":
            tags = struct.pack("!HHH", SAR_REFERENCE, 2, reference)
            tags += struct.pack("!HHB", SAR_TOTAL, 1, len(parts))
            tags += struct.pack("!HHB", SAR_NUMBER, 1, n)
        elif len(parts) > 1:
            kind = MULTIPART
            raw = bytes((5, 0, 3, reference & 0xFF, len(parts), n)) + raw
        if len(raw) > 254 or (how == "payload" and len(segments.parts_of(text)) > 1):
            tags, raw = struct.pack("!HH", PAYLOAD, len(raw)) + raw, b""
        wanted = 1 if n == len(parts) else 0
        made.append(
            b"\0" + _address(sender) + _address(number) + bytes((kind, 0, 0)) + b"\0\0"
            + bytes((wanted, 0, coding, 0, len(raw))) + raw + tags
        )  # fmt: skip
    return made


def delivered(body: bytes) -> Delivered:
    """4.6.1. Raises ValueError for what is cut short."""
    try:
        rest = body.split(b"\0", 1)[1]
        sender, rest = rest[2:].split(b"\0", 1)
        receiver, rest = rest[2:].split(b"\0", 1)
        kind = rest[0]
        rest = rest[3:].split(b"\0", 2)[2]
        coding, size = rest[2], rest[4]
        raw, rest = rest[5 : 5 + size], rest[5 + size :]
        tags = _tags(rest)
    except (IndexError, ValueError, struct.error):
        raise ValueError("deliver_sm cut short") from None
    raw = tags.get(PAYLOAD, raw)
    part = _sar(tags)
    if kind & MULTIPART and raw:
        part, raw = _header(raw[: raw[0] + 1]) or part, raw[raw[0] + 1 :]
    return Delivered(
        sender.decode("ascii", "replace"),
        receiver.decode("ascii", "replace"),
        _text(raw, coding),
        kind & KIND == RECEIPT,
        part,
        tags,
    )


def _tags(rest: bytes) -> dict[int, bytes]:
    made: dict[int, bytes] = {}
    while len(rest) >= 4:
        tag, size = struct.unpack("!HH", rest[:4])
        made[tag] = rest[4 : 4 + size]
        rest = rest[4 + size :]
    return made


def _sar(tags: dict[int, bytes]) -> Part | None:
    try:
        found = [int.from_bytes(tags[t]) for t in (SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER)]
    except KeyError:
        return None
    return _part(*found)


def _header(raw: bytes) -> Part | None:
    """User data header: concatenation with a reference of one byte (0) or two (8)."""
    at = 1
    while at + 2 <= len(raw):
        kind, size = raw[at], raw[at + 1]
        data = raw[at + 2 : at + 2 + size]
        if kind in (0, 8) and size == len(data) and size >= 3:
            return _part(int.from_bytes(data[:-2]), data[-2], data[-1])
        at += 2 + size
    return None


def _part(reference: int, total: int, number: int) -> Part | None:
    return Part(reference, total, number) if 1 <= number <= total and 1 < total <= 255 else None


def _text(raw: bytes, coding: int) -> str:
    if coding & 0x0F == 8:
        return raw.decode("utf-16-be", "replace")
    if coding == 3:
        return raw.decode("latin-1")
    return segments.of_septets(raw)
