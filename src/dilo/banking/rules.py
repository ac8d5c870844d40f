"""Whose money it is: evidence adds up, and only what is sure is posted by itself. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

SURE = 80
POINTS = {
    "number": 90,  # the purpose names an open document of this party
    "order": 85,
    "tax_id": 80,
    "account": 75,  # people have confirmed this account before
    "name": 60,
    "like": 35,
    "amount": 30,  # exactly one open document of this party has this amount
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """``why``: a key of POINTS; ``numbers``: documents it speaks of."""

    party_id: UUID
    why: str
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """``sure``: may be posted without a person."""

    party_id: UUID | None
    score: int
    why: str
    numbers: tuple[str, ...]
    sure: bool


NOBODY = Match(None, 0, "", (), False)


def decide(evidence: Iterable[Evidence]) -> Match:
    """The party most speaks for. Two parties equally or nearly so: a person decides."""
    scores: dict[UUID, dict[str, int]] = {}
    numbers: dict[UUID, list[str]] = {}
    for one in evidence:
        scores.setdefault(one.party_id, {})[one.why] = POINTS[one.why]
        numbers.setdefault(one.party_id, []).extend(one.numbers)
    ranked = sorted(scores, key=lambda party: (-sum(scores[party].values()), str(party)))
    if not ranked:
        return NOBODY
    best = ranked[0]
    score = sum(scores[best].values())
    rival = sum(scores[ranked[1]].values()) if len(ranked) > 1 else 0
    named = {party for party, whys in scores.items() if whys.keys() & {"number", "order", "tax_id"}}
    sure = score >= SURE and rival + 40 <= score and len(named) <= 1
    whys = ", ".join(sorted(scores[best], key=lambda why: -POINTS[why]))
    return Match(best, min(score, 999), whys, tuple(dict.fromkeys(numbers[best])), sure)
