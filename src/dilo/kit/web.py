"""What every page needs: rendering, fragments for htmx, redirects, flashes, forms, refusals as
pages."""

import base64
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Generic, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from dilo.kit import i18n
from dilo.kit.errors import Forbidden, Invalid, NotFound, Refusal
from dilo.kit.templating import environment
from dilo.kit.visit import visit

Form = TypeVar("Form")
FLASH_COOKIE = "dilo_flash"
FLASHES_MAX = 5
POLICY = (
    "default-src 'self'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; frame-ancestors {frames}; base-uri 'none'; "
    "form-action 'self'; object-src 'none'; worker-src 'self'"
)
# Pages of a session opened inside Telegram: its web client, and nobody else, shows them in a frame.
FRAMED_COOKIE, FRAMED_CSRF = "dilo_framed", "dilo_csrf"
FRAMED_SECONDS = 7200
MAY_FRAME = "https://web.telegram.org"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
    "vary": "HX-Request, HX-Request-Type",
}


def page(
    template: str, block: str | None = None, status: int = 200, **context: Any
) -> Response[str]:
    """Renders a template; with ``block`` named, only that block when htmx asks for a fragment."""
    here = visit()
    shared = _shared_context() | context
    found = environment().get_template(template)
    if block and here.fragment:
        body = "".join(found.blocks[block](found.new_context(shared)))
    else:
        here.shown_flashes = here.flashes
        body = found.render(shared | {"flashes": here.flashes})
    response = Response(body, status_code=status, media_type=MediaType.HTML, headers=_headers())
    if here.extras.get("framed") and here.csrf_token:
        keep_in_frame(response, FRAMED_CSRF, here.csrf_token)
    if here.shown_flashes:
        response.delete_cookie(FLASH_COOKIE)
    return response


def _headers() -> dict[str, str]:
    here = visit()
    if not here.extras.get("framed"):
        policy = POLICY.format(nonce=here.nonce, frames="'none'")
        return HEADERS | {"content-security-policy": policy}
    headers = {name: value for name, value in HEADERS.items() if name != "x-frame-options"}
    headers["content-security-policy"] = POLICY.format(nonce=here.nonce, frames=MAY_FRAME)
    return headers


class FramedCookie(Cookie):
    """One that also works in a frame of another site, there and nowhere else."""

    def to_header(self, **more: Any) -> str:
        return f"{super().to_header(**more)}; Partitioned"


def keep_in_frame(response: Response[Any], name: str, value: str) -> None:
    response.set_cookie(
        FramedCookie(
            key=name,
            value=value,
            path="/",
            max_age=FRAMED_SECONDS,
            httponly=True,
            secure=True,
            samesite="none",
        )
    )


def _shared_context() -> dict[str, Any]:
    here = visit()
    return {
        "tenant": here.tenant,
        "actor": here.actor,
        "language": i18n.language(),
        "framed": False,
        "theme": here.theme,
        "csrf_token": here.csrf_token,
        "nonce": here.nonce,
        "path": here.path,
        "query": here.query,
        "flashes": [],
        **here.extras,
    }


def redirect(url: str) -> Response[Any]:
    """See other (303). Only our own paths: an address from outside is never followed."""
    target = url if url.startswith("/") and not url.startswith(("//", "/\\")) else "/"
    response: Response[Any] = Redirect(target, status_code=303)
    fresh = visit().extras.get("new_flashes")
    if fresh:
        packed = base64.urlsafe_b64encode(msgspec.json.encode(fresh)).decode()
        response.set_cookie(FLASH_COOKIE, packed, httponly=True, samesite="lax", max_age=120)
    return response


def came_by(request: Request[Any, Any, Any]) -> tuple[str, str]:
    """The visitor's address, and what his browser calls itself."""
    address = request.client.host if request.client else ""
    return address, request.headers.get("user-agent", "")


def came_from(request: Request[Any, Any, Any], otherwise: str) -> str:
    """The path the form was sent from, where that is a page of this very host."""
    host = request.headers.get("host", "\0")
    path = request.headers.get("referer", "").partition("://")[2].removeprefix(host)
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else otherwise


def flash(kind: str, key: str, /, **figures: Any) -> None:
    """Shown once on the next page. ``kind``: success, info, warning, danger."""
    plain = {name: i18n.shown(value) for name, value in figures.items()}
    visit().extras.setdefault("new_flashes", []).append((kind, key, plain))


def done(url: str, key: str = "flash:saved", /, **figures: Any) -> Response[Any]:
    """It worked: said on the page one is sent to."""
    flash("success", key, **figures)
    return redirect(url)


def flash_refusal(refusal: Refusal) -> None:
    flash("danger", f"refusal:{refusal.code}", **refusal.figures)


def read_flashes(cookie: str | None) -> list[tuple[str, str, dict[str, Any]]]:
    """Only keys and figures travel in the cookie, so a forged one can say nothing of its own."""
    with contextlib.suppress(ValueError, msgspec.MsgspecError):
        raw = base64.urlsafe_b64decode((cookie or "")[:4000].encode())
        return msgspec.json.decode(raw, type=list[tuple[str, str, dict[str, Any]]])[:FLASHES_MAX]
    return []


@dataclass(slots=True)
class Filled(Generic[Form]):
    """A form as it came: ``values`` to show again, ``errors`` by field, ``input`` when all is
    well."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    input: Form | None = None

    @property
    def ok(self) -> bool:
        return self.input is not None and not self.errors

    @contextlib.contextmanager
    def refusals(self, field: str = "_", **fields: str) -> Iterator[None]:
        """What the work inside refuses is said on the form: at the field named for its code, else
        at ``field``. NOT_FOUND and FORBIDDEN are no matter of a form and pass."""
        try:
            yield
        except (Forbidden, NotFound):
            raise
        except Refusal as refusal:
            sentence = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
            self.errors[fields.get(refusal.code, field)] = sentence


EMPTY: Filled[Any] = Filled()


async def read_form(shape: type[Form], request: Request[Any, Any, Any]) -> Filled[Form]:
    """Reads a posted form into a msgspec Struct: unknown fields are ignored, blanks are absent.

    A field declared ``list`` collects repeated inputs. Errors are keys ``invalid:…`` by field.
    """
    posted = await request.form()
    filled: Filled[Form] = Filled()
    given: dict[str, Any] = {}
    for info in msgspec.structs.fields(shape):  # type: ignore[arg-type]
        many = "list" in str(info.type)
        values = [value for value in posted.getall(info.encode_name, []) if value != ""]
        values = [value.strip() if isinstance(value, str) else value for value in values]
        filled.values[info.name] = values if many else (values[-1] if values else "")
        if values:
            given[info.encode_name] = values if many else values[-1]
    for info in msgspec.structs.fields(shape):  # type: ignore[arg-type]
        _check_field(info, given, filled)
    if not filled.errors:
        try:
            filled.input = msgspec.convert(given, shape, strict=False)
        except msgspec.ValidationError as error:
            filled.errors["_"] = str(error)[:200]
    return filled


async def read_rows(request: Request[Any, Any, Any], *names: str) -> list[dict[str, str]]:
    """Inputs repeated row by row, blanks in their places, so that parallel columns stay parallel;
    rows with nothing at all are left out."""
    posted = await request.form()
    columns = [[str(value).strip() for value in posted.getall(name, [])] for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip_longest(*columns, fillvalue="")]
    return [row for row in rows if any(row.values())]


def decimal_or_none(text: str) -> Decimal | None:
    """A number as people write it; None for a blank. Raises AMOUNT_BAD."""
    if not text:
        return None
    try:
        return Decimal(plain_decimal(text))
    except ArithmeticError:
        raise Refusal("AMOUNT_BAD", status=422) from None


def day_or_none(text: str) -> date | None:
    """None for a blank. Raises DATE_BAD."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refusal("DATE_BAD", status=422) from None


def _check_field(info: Any, given: dict[str, Any], filled: Filled[Any]) -> None:
    if info.encode_name not in given:
        if info.required:
            filled.errors[info.name] = i18n.say("invalid:REQUIRED")
        return
    try:
        value = given[info.encode_name]
        if "Decimal" in str(info.type) and isinstance(value, str):
            value = given[info.encode_name] = plain_decimal(value)
        msgspec.convert(value, info.type, strict=False)
    except msgspec.ValidationError:
        filled.errors[info.name] = i18n.say("invalid:VALUE")


def plain_decimal(text: str) -> str:
    """``1 234,50`` as people write it to ``1234.50``; the last of comma and point is the decimal
    one."""
    bare = "".join(text.split()).replace("\N{NO-BREAK SPACE}", "").replace("'", "")
    if "," in bare and "." in bare:
        thousands = "," if bare.rfind(".") > bare.rfind(",") else "."
        bare = bare.replace(thousands, "")
    return bare.replace(",", ".")


def refusal_page(refusal: Refusal) -> Response[Any]:
    """One sentence why, the status, and a way back. JSON where JSON was asked for."""
    sentence = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
    here = visit()
    if here.extras.get("wants_json"):
        body: dict[str, Any] = {"code": refusal.code, "message": sentence}
        if isinstance(refusal, Invalid):
            body["fields"] = refusal.fields
        return Response(body, status_code=refusal.status, headers={"cache-control": "no-store"})
    return page(
        here.extras.get("error_page", "kit/error.html"),
        status=refusal.status,
        code=refusal.code,
        message=sentence,
        error_status=refusal.status,
    )
