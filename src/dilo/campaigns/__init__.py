"""News to many at once: segment, consent, preview, cost, progress (campaigns — розсилки)."""
