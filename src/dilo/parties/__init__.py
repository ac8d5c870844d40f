"""Who we trade with: parties, their people and ways to reach them, credit terms
(parties — контрагенти).
"""
