"""The dealer network: tiers, plans, bonuses, sub-dealers, storefronts of dealers
(dealers — дилери)."""
