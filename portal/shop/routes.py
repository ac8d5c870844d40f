"""Every address of the shop. The last one takes whatever is none of the others."""

from portal.shop import browsing, buying, installed, persons

routes = [*browsing.routes, *buying.routes, *persons.routes, *installed.routes]
