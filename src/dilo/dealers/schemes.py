"""Bonus schemes: from which attainment of the target on, what percent is paid, of what base."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.dealers.rules import Step
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

SCHEMES = """
SELECT s.id, s.name, s.basis, coalesce(jsonb_agg(jsonb_build_object('attainment',
  t.attainment::text, 'percent', t.bonus_percent::text) ORDER BY t.attainment)
  FILTER (WHERE t.attainment IS NOT NULL), '[]') AS steps,
  (SELECT count(*) FROM dealer_plan_line l JOIN dealer_plan p ON p.id = l.plan_id
   WHERE l.scheme_id = s.id AND l.dropped_at IS NULL
     AND p.state IN ('agreed', 'running')) AS in_use
FROM bonus_scheme s LEFT JOIN bonus_step t ON t.scheme_id = s.id
WHERE s.retired_at IS NULL GROUP BY s.tenant_id, s.id ORDER BY s.name
"""
STEPS = (
    "SELECT scheme_id, attainment, bonus_percent FROM bonus_step WHERE scheme_id = ANY(:schemes)"
)
NEW = "INSERT INTO bonus_scheme (name, basis) VALUES (:name, :basis) RETURNING id"
NEW_STEPS = """
INSERT INTO bonus_step (scheme_id, attainment, bonus_percent)
SELECT :scheme_id, * FROM unnest(:attainments::numeric[], :percents::numeric[])
"""
RETIRE = "UPDATE bonus_scheme SET retired_at = now() WHERE id = :id AND retired_at IS NULL"
STEPS_MAX = 12


class SchemeForm(msgspec.Struct):
    """``steps`` as people write them: ``80 1; 100 2; 120 3.5``."""

    name: Annotated[str, msgspec.Meta(max_length=80)]
    steps: Annotated[str, msgspec.Meta(max_length=400)]
    basis: Literal["turnover", "growth"] = "turnover"


def read_steps(text: str) -> list[Step]:
    """Raises STEPS_BAD where it cannot be understood, repeats itself or pays more than all."""
    steps: list[Step] = []
    for part in text.replace("\n", ";").replace("%", " ").split(";"):
        words = part.replace(",", ".").replace("=", " ").replace(":", " ").split()
        if not words:
            continue
        try:
            attainment, percent = (Decimal(word) for word in words)
        except (ValueError, ArithmeticError):
            raise Refusal("STEPS_BAD", status=422) from None
        good = attainment.is_finite() and percent.is_finite()
        if not good or not 0 < attainment <= 1000 or not 0 <= percent <= 100:
            raise Refusal("STEPS_BAD", status=422)
        steps.append(Step(round(attainment, 2), round(percent, 3)))
    found = {step.attainment for step in steps}
    if not steps or len(found) != len(steps) or len(steps) > STEPS_MAX:
        raise Refusal("STEPS_BAD", status=422)
    return sorted(steps, key=lambda step: step.attainment)


async def schemes() -> list[db.Row]:
    return await db.rows(SCHEMES)


async def steps_of(scheme_ids: Sequence[UUID]) -> dict[UUID, list[Step]]:
    found: dict[UUID, list[Step]] = {}
    for row in await db.rows(STEPS, schemes=list(scheme_ids)):
        step = Step(row["attainment"], row["bonus_percent"])
        found.setdefault(row["scheme_id"], []).append(step)
    return found


async def make_scheme(actor: Actor, form: SchemeForm) -> UUID:
    """A scheme is never edited: plans agreed under it keep it. Raises FORBIDDEN, STEPS_BAD,
    NAME_TAKEN."""
    actor.require("dealers.edit")
    steps = read_steps(form.steps)
    try:
        async with db.savepoint():
            made = await db.value(NEW, name=form.name.strip(), basis=form.basis)
    except asyncpg.UniqueViolationError:
        raise Refusal("NAME_TAKEN", status=422, name=form.name) from None
    await db.execute(
        NEW_STEPS,
        scheme_id=made,
        attainments=[step.attainment for step in steps],
        percents=[step.bonus_percent for step in steps],
    )
    await audit.note(actor, "dealers.scheme", "bonus_scheme", made, after={"name": form.name})
    return made


async def retire_scheme(actor: Actor, scheme_id: UUID) -> None:
    """Offered no more; plans that have it keep it. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("dealers.edit")
    if not await db.execute(RETIRE, id=scheme_id):
        raise NotFound
    await audit.note(actor, "dealers.scheme_gone", "bonus_scheme", scheme_id)
