"""What a company prints on its invoices and where it is paid by bank: its requisites."""

import msgspec

from dilo.kit.errors import Refusal
from tenants.actors import Actor
from tenants.scope import current_tenant
from tenants.settings import change_setting, setting

NAME = "requisites"
FIELD_MAX = 300


class Requisites(msgspec.Struct):
    legal_name: str = ""
    tax_id: str = ""
    vat_id: str = ""
    address: str = ""
    iban: str = ""
    bank: str = ""
    bic: str = ""
    phone: str = ""
    email: str = ""
    note: str = ""

    @property
    def by_bank(self) -> bool:
        """Enough for a bank transfer."""
        return bool(self.iban)


async def requisites() -> Requisites:
    """The company's own name stands in for a legal one that nobody wrote yet."""
    found = await setting(NAME, Requisites)
    if not found.legal_name:
        found.legal_name = current_tenant().name
    return found


async def change_requisites(actor: Actor, given: Requisites) -> None:
    """Raises FORBIDDEN, IBAN_BAD, TOO_LONG."""
    actor.require("tenant.edit")
    plain = {name: " ".join(value.split()) for name, value in msgspec.structs.asdict(given).items()}
    if any(len(value) > FIELD_MAX for value in plain.values()):
        raise Refusal("TOO_LONG", status=422)
    if plain["iban"]:
        plain["iban"] = _iban(plain["iban"])
    await change_setting(actor, NAME, Requisites(**plain))


def _iban(text: str) -> str:
    from stdnum import iban
    from stdnum.exceptions import ValidationError

    try:
        return iban.validate(text)
    except ValidationError:
        raise Refusal("IBAN_BAD", status=422) from None
