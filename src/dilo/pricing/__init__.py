"""Whose price it is. Sources in a fixed order: agreement item > party list > segment list >
region list > base list; within a list the greatest quantity break reached
(pricing — ціни, прайс-листи).
"""
