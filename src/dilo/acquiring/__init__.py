"""Money by card: each company's own account at Stripe, what is asked, what comes of it (еквайринг).

A *pay request* is what one may pay by a link; an *attempt* a try to pay it; a *card payment* money
that came. A webhook only says "go look": what the books say is what the provider says when asked.
"""
