"""Calls told by the telephone exchange: a known number is a party, a missed call a task."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post

from dilo.desk.calls import note_call
from dilo.kit.errors import Invalid, Refusal
from dilo.kit.visit import visit

BODY_MAX = 1024 * 1024


class NewCall(msgspec.Struct, forbid_unknown_fields=True):
    """``id``: the exchange's own; ``at`` with its time zone."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    phone: Annotated[str, msgspec.Meta(min_length=3, max_length=40)]
    missed: bool
    at: Annotated[datetime, msgspec.Meta(tz=True)]


@post(
    "/api/calls", opt={"verb": "calls.note", "no_csrf": True, "body_max": BODY_MAX}, status_code=201
)
async def create(request: Request[Any, Any, Any]) -> Response[Any]:
    """201; 200 where the call was told before."""
    try:
        call = msgspec.json.decode(await request.body(), type=NewCall)
    except msgspec.ValidationError as error:
        raise Invalid({"body": str(error)[:200]}) from None
    except msgspec.DecodeError:
        raise Refusal("UNREADABLE", status=400) from None
    noted = await note_call(visit().actor, call.id, call.phone, call.missed, call.at)
    body = {
        "id": str(noted.id),
        "party": str(noted.party_id) if noted.party_id else None,
        "parties": [str(one) for one in noted.party_ids],
        "task": str(noted.task_id) if noted.task_id else None,
    }
    headers = {"cache-control": "no-store"}
    return Response(body, status_code=200 if noted.repeated else 201, headers=headers)


routes = [create]
