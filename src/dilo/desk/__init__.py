"""Staff screens that read across capabilities: my day, the party's and the product's card, search.
They decide nothing; every change is another capability's action.
"""
