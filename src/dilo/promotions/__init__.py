"""Promotions and coupons: what is taken off a price, out of which budget, for whom and until when.

One engine for the shop, the portal, the chats and the office: ``orders`` asks it when lines are
priced. *Accrual*: what one order line was given, written in the order's transaction.
"""
