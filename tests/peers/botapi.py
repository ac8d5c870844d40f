"""What the Bot API accepts: a call's form read into aiogram's own method model, and its limits.

Stricter than Telegram where it would pass over our mistake in silence (unknown parameters).
"""

import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiogram.methods
from aiogram.methods import TelegramMethod
from aiogram.types import TelegramObject
from PIL import Image, UnidentifiedImageError
from pydantic import ValidationError

TAGS = {
    "b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "span",
    "tg-spoiler", "blockquote", "tg-emoji",
}  # fmt: skip
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)([^<>]*)>")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
MODELS: dict[str, type[TelegramMethod[Any]]] = {
    one.__api_method__: one
    for one in vars(aiogram.methods).values()
    if isinstance(one, type) and issubclass(one, TelegramMethod) and one is not TelegramMethod
}
TEXTUAL = {"text", "caption", "parse_mode", "url", "secret_token", "callback_query_id", "file_id"}


class Declined(Exception):
    """What Telegram would say instead of doing it."""

    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


@dataclass
class Upload:
    name: str
    body: bytes


@dataclass
class Asked:
    """A call as its model has it; ``plain`` is what the person would read."""

    method: str
    model: TelegramMethod[Any]
    uploads: dict[str, Upload] = field(default_factory=dict)
    plain: str = ""

    def get(self, name: str, default: Any = None) -> Any:
        value = getattr(self.model, name, default)
        return default if type(value).__name__ == "Default" else value


def read(method: str, fields: dict[str, str], uploads: dict[str, Upload]) -> Asked:
    """Raises Declined as Telegram does."""
    model = MODELS.get(method)
    if model is None:
        raise Declined(404, "Not Found: method not found")
    values: dict[str, Any] = {}
    for name, text in fields.items():
        if name not in model.model_fields:
            raise Declined(400, f"Bad Request: unknown parameter {name}")
        values[name] = text if name in TEXTUAL else _decoded(text)
    try:
        made = model.model_validate(values)
    except ValidationError as error:
        raise Declined(
            400, f"Bad Request: {error.errors()[0]['loc']} {error.errors()[0]['msg']}"
        ) from None
    for extra in _extras(made):
        raise Declined(400, f"Bad Request: unknown field {extra}")
    asked = Asked(method, made, uploads)
    _check(asked)
    return asked


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _extras(thing: Any) -> Iterator[str]:
    if isinstance(thing, list):
        for one in thing:
            yield from _extras(one)
    elif isinstance(thing, TelegramObject | TelegramMethod):
        yield from thing.model_extra or {}
        for name in type(thing).model_fields:
            yield from _extras(getattr(thing, name))


def _check(asked: Asked) -> None:
    text = asked.get("text")
    if asked.method == "answerCallbackQuery":
        if len(text or "") > 200:
            raise Declined(400, "Bad Request: MESSAGE_TOO_LONG")
        asked.plain = text or ""
    elif "text" in type(asked.model).model_fields:
        asked.plain = shown(text or "", asked.get("parse_mode"))
        if not asked.plain.strip():
            raise Declined(400, "Bad Request: message text is empty")
        if len(asked.plain) > 4096:
            raise Declined(400, "Bad Request: message is too long")
    elif asked.get("caption") is not None:
        asked.plain = _caption(asked.get("caption"), asked.get("parse_mode"))
    if (markup := asked.get("reply_markup")) is not None:
        _check_markup(markup)
    particular = PARTICULAR.get(asked.method)
    if particular:
        particular(asked)


def _caption(text: str, mode: str | None) -> str:
    plain = shown(text, mode)
    if len(plain) > 1024:
        raise Declined(400, "Bad Request: message caption is too long")
    return plain


def shown(text: str, mode: str | None) -> str:
    """The text without its tags, as the person reads it."""
    if mode is None:
        return text
    if mode != "HTML":
        raise Declined(400, "Bad Request: unsupported parse_mode")
    out, open_tags, at = [], [], 0
    while (sign := text.find("<", at)) >= 0:
        out.append(html.unescape(text[at:sign]))
        tag = TAG.match(text, sign)
        if tag is None or tag[2].lower() not in TAGS:
            name = tag[2] if tag else text[sign + 1 : sign + 9]
            raise Declined(
                400,
                f'Bad Request: can\'t parse entities: Unsupported start tag "{name}" at byte offset {len(text[:sign].encode())}',
            )
        if not tag[1]:
            open_tags.append(tag[2].lower())
        elif not open_tags or open_tags.pop() != tag[2].lower():
            raise Declined(
                400, f"Bad Request: can't parse entities: Unexpected end tag at byte offset {sign}"
            )
        at = tag.end()
    if open_tags:
        raise Declined(
            400,
            f"Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"{open_tags[-1]}\"",
        )
    return "".join([*out, html.unescape(text[at:])])


def _check_markup(markup: Any) -> None:
    rows = getattr(markup, "inline_keyboard", None)
    inline = rows is not None
    rows = rows if inline else getattr(markup, "keyboard", None)
    if rows is None:
        return
    if inline and sum(len(row) for row in rows) > 100:
        raise Declined(400, "Bad Request: reply markup is too long")
    for row in rows:
        if not row or len(row) > 8:
            raise Declined(400, "Bad Request: BUTTON_ROW_INVALID")
        for button in row:
            if not button.text.strip():
                raise Declined(
                    400,
                    "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
                )
            if inline:
                _check_button(button)


def _check_button(button: Any) -> None:
    given = [
        n
        for n, v in button.model_dump(exclude_none=True).items()
        if n not in ("text", "style", "icon_custom_emoji_id")
    ]
    if len(given) != 1:
        raise Declined(400, "Bad Request: BUTTON_TYPE_INVALID")
    data = button.callback_data
    if data is not None and not 1 <= len(data.encode()) <= 64:
        raise Declined(400, "Bad Request: BUTTON_DATA_INVALID")
    if button.url is not None and not re.match(r"(https?|tg)://\S+$", button.url):
        raise Declined(400, "Bad Request: BUTTON_URL_INVALID")
    if button.web_app is not None:
        _https(
            button.web_app.url,
            "Bad Request: inline keyboard button Web App URL is invalid: Only HTTPS links are allowed",
        )


def _https(url: str, otherwise: str) -> None:
    if not re.match(r"https://\S+$", url):
        raise Declined(400, otherwise)


def _check_webhook(asked: Asked) -> None:
    url, secret = asked.get("url"), asked.get("secret_token")
    if url:
        _https(url, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if secret is not None and not SECRET.fullmatch(secret):
        raise Declined(400, "Bad Request: secret token contains unallowed characters")


def _check_commands(asked: Asked) -> None:
    if len(asked.get("commands")) > 100:
        raise Declined(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
    for one in asked.get("commands"):
        if not COMMAND.fullmatch(one.command):
            raise Declined(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(one.description) <= 256:
            raise Declined(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    language = asked.get("language_code")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise Declined(400, "Bad Request: invalid language code specified")


def _check_menu(asked: Asked) -> None:
    app = getattr(asked.get("menu_button"), "web_app", None)
    if app is not None:
        _https(
            app.url, "Bad Request: menu button Web App URL is invalid: Only HTTPS links are allowed"
        )


def file_of(asked: Asked, given: Any, *, picture: bool) -> Upload | str:
    """What was attached, or the file id or address that stands for it."""
    if not isinstance(given, str) or not given.startswith("attach://"):
        return str(given)
    found = asked.uploads.get(given.removeprefix("attach://"))
    if found is None or not found.body:
        raise Declined(400, "Bad Request: file must be non-empty")
    if len(found.body) > (10 if picture else 50) * 1024 * 1024:
        raise Declined(413, "Request Entity Too Large")
    if picture:
        try:
            Image.open(io.BytesIO(found.body)).verify()
        except (UnidentifiedImageError, OSError, SyntaxError):
            raise Declined(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
    return found


def _check_photo(asked: Asked) -> None:
    file_of(asked, asked.get("photo"), picture=True)


def _check_document(asked: Asked) -> None:
    file_of(asked, asked.get("document"), picture=False)


def _check_group(asked: Asked) -> None:
    media = asked.get("media")
    if not 2 <= len(media) <= 10:
        raise Declined(400, "Bad Request: group send failed")
    _check_media(asked, media)


def _check_one_media(asked: Asked) -> None:
    _check_media(asked, [asked.get("media")])


def _check_media(asked: Asked, media: list[Any]) -> None:
    captions = []
    for one in media:
        file_of(asked, one.media, picture=one.type == "photo")
        mode = one.parse_mode if isinstance(one.parse_mode, str) else None
        captions.append(_caption(one.caption or "", mode))
    asked.plain = "\n".join(filter(None, captions))


PARTICULAR = {
    "setWebhook": _check_webhook,
    "setMyCommands": _check_commands,
    "setChatMenuButton": _check_menu,
    "sendPhoto": _check_photo,
    "sendDocument": _check_document,
    "sendMediaGroup": _check_group,
    "editMessageMedia": _check_one_media,
}
