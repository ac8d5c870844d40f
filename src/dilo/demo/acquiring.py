"""Requisites of the demo company: printed on invoices, shown to who pays by bank."""

from dilo.receivables.requisites import Requisites, change_requisites
from tenants.actors import SYSTEM


async def requisites_of(name: str) -> None:
    await change_requisites(
        SYSTEM,
        Requisites(
            legal_name=f"ТОВ «{name}»",
            tax_id="41234567",
            vat_id="412345626590",
            address="04071, Київ, вул. Нижній Вал, 33",
            iban="UA213223130000026007233566001",
            bank="АТ «Демобанк»",
            phone="+380 44 500 11 22",
            email="rahunky@example.com",
            note="Дякуємо, що платите вчасно.",
        ),
    )
