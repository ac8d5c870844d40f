"""Letters written in the office: sandboxed Jinja2 that can name things and loop once, no more.

Whoever edits a template is a colleague, yet a template is code: names come from an allow-list,
arithmetic that could grow without end is refused, loops do not nest, the length is capped.
"""

from functools import cache
from typing import Any
from uuid import UUID

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dilo.kit import db, i18n
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.templating import money
from tenants import audit
from tenants.actors import Actor

SOURCE_MAX, TEXT_MAX = 4000, 4000
FILTERS = ("upper", "lower", "title", "default", "length", "join", "first", "last", "round")
BANNED = (
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
    nodes.Macro,
    nodes.CallBlock,
)
SAVE = """
INSERT INTO dunning_text (language, channel, tone, body, changed_by)
VALUES (:language, :channel, :tone, :body, :by)
ON CONFLICT (tenant_id, language, channel, tone) DO UPDATE
SET body = excluded.body, changed_by = excluded.changed_by, changed_at = now()
"""
ALL = "SELECT id, language, channel, tone, body, changed_by, changed_at FROM dunning_text"
ONE = f"{ALL} WHERE language = :language AND channel = :channel AND tone = :tone"


class Letters(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%", "/", "//"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002
        raise SecurityError(f"operator {operator} is not for letters")


@cache
def environment() -> Letters:
    made = Letters(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.filters |= {"money": money, "date": i18n.shown}
    made.globals.clear()
    return made


def checked(source: str) -> str:
    """Raises TEXT_TOO_LONG, TEXT_BAD with the line and why."""
    if not source.strip() or len(source) > SOURCE_MAX:
        raise Refusal("TEXT_TOO_LONG", status=422, most=SOURCE_MAX)
    try:
        tree = environment().parse(source)
        environment().compile(tree)
    except TemplateError as error:
        line = getattr(error, "lineno", None) or 1
        raise Refusal("TEXT_BAD", status=422, line=line, why=str(error)[:200]) from None
    for node in tree.find_all(nodes.Node):
        nested = isinstance(node, nodes.For) and next(_inner(node), None) is not None
        if isinstance(node, BANNED) or nested:
            raise Refusal("TEXT_BAD", status=422, line=node.lineno, why=type(node).__name__)
    return source


def _inner(loop: nodes.For) -> Any:
    return (
        part
        for part in loop.body
        if isinstance(part, nodes.For) or next(part.find_all(nodes.For), None) is not None
    )


def rendered(source: str, figures: dict[str, Any]) -> str:
    """Raises TEXT_BAD where it names what there is not."""
    try:
        text = environment().from_string(source).render(**figures)
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise Refusal("TEXT_BAD", status=422, line=1, why=str(error)[:200]) from None
    return text.strip()[:TEXT_MAX]


async def text_or_none(language: str, channel: str, tone: str) -> str | None:
    found = await db.one_or_none(ONE, language=language, channel=channel, tone=tone)
    return found["body"] if found else None


async def texts() -> list[db.Row]:
    return await db.rows(f"{ALL} ORDER BY language, channel, tone")


async def save_text(actor: Actor, language: str, channel: str, tone: str, body: str) -> None:
    """Raises FORBIDDEN, NOT_FOUND, TEXT_TOO_LONG, TEXT_BAD."""
    actor.require("dunning.edit")
    if language not in i18n.LANGUAGES or channel not in ("telegram", "sms", "email"):
        raise NotFound
    if tone not in ("friendly", "due", "firm", "final"):
        raise NotFound
    await db.execute(
        SAVE, language=language, channel=channel, tone=tone, body=checked(body), by=actor.name
    )
    await audit.note(actor, "dunning.text", "dunning_text", None, after={"tone": tone})


async def drop_text(actor: Actor, text_id: UUID) -> None:
    """Our own words again. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("dunning.edit")
    if not await db.execute("DELETE FROM dunning_text WHERE id = :id", id=text_id):
        raise NotFound
    await audit.note(actor, "dunning.text_drop", "dunning_text", text_id)
