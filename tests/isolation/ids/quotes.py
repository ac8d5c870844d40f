"""An enquiry with a version and a file."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from town import Cast

from dilo.parties.talks import attach
from dilo.quotes import asking, offers
from dilo.quotes.asking import AskedFor, Enquiry
from dilo.quotes.offers import Offer, OfferLine

WATCHED = ("rfq", "rfq_line", "quote", "quote_line", "remark", "attachment")


async def ids_of(town: Cast) -> dict[str, Any]:
    party = town.parties["D-1"]
    enquiry = Enquiry(
        party_id=party, lines=[AskedFor("LAMP-1", Decimal(5))], key="iso", door="portal"
    )
    rfq = await asking.ask(town.petro, enquiry)
    until = town.tenant.today() + timedelta(days=5)
    offer = Offer(lines=[OfferLine("LAMP-1", Decimal(5), Decimal(95))], valid_until=until)
    quote = await offers.prepare(town.max, rfq, offer)
    await offers.send(town.max, quote)
    [file] = await attach(town.petro, "rfq", rfq, party, [("list.txt", b"LAMP-1 5")])
    return {"rfq_id": rfq, "quote_id": quote, "attachment_id": file}
