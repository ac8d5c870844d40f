"""Files in: parties, products, prices, stock, sales history. Good rows go in, bad ones are named
(imports — імпорт).
"""
