"""The public shop: theme, pages, banners, reviews, guests, consent (storefront — вітрина)."""
