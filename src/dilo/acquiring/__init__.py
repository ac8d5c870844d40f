"""Card payments taken online: pay links, the provider's sessions and events, pay-to-release
(acquiring — еквайринг)."""
