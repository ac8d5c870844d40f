"""Coupons and promotions with their budgets (promotions — акції)."""
