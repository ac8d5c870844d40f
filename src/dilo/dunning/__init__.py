"""Warning debtors in time: levels by days to and past due, a run that plans notices, a re-check
before every send (dunning — нагадування про борг).
"""
