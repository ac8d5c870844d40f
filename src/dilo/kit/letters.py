"""Letters written in the office: sandboxed Jinja2 that can name things and loop once, no more.

Whoever edits a template is a colleague, yet a template is code: names come from an allow-list,
arithmetic that could grow without end is refused, loops do not nest, the length is capped.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dilo.kit import i18n
from dilo.kit.errors import Refusal
from dilo.kit.templating import money

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


def checked(source: str, names: Collection[str] | None = None) -> str:
    """``names``: what may be named. Raises TEXT_TOO_LONG, TEXT_BAD with the line and why."""
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
    for name in sorted(meta.find_undeclared_variables(tree)):
        if names is not None and name not in names:
            raise Refusal("TEXT_BAD", status=422, line=1, why=name)
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
