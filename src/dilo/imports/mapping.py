"""Which column is which field: names people give their columns, in three languages."""

from collections.abc import Mapping, Sequence

FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "parties": {
        "code": ("code", "код", "customer id", "customerid", "id", "ідентифікатор", "номер"),
        "name": (
            "name",
            "назва",
            "наименование",
            "найменування",
            "контрагент",
            "название",
            "company",
        ),
        "tax_id": ("tax id", "єдрпоу", "едрпоу", "інн", "инн", "іпн", "taxid", "vat"),
        "city": ("city", "місто", "город"),
        "address": ("address", "адреса", "адрес"),
        "country": ("country", "країна", "страна"),
        "segment": ("segment", "сегмент", "група", "группа"),
        "phone": ("phone", "телефон", "мобільний", "мобильный"),
        "email": ("email", "e-mail", "пошта", "почта"),
        "limit_amount": (
            "credit limit",
            "limit",
            "ліміт",
            "лимит",
            "кредитний ліміт",
            "розмір кредиту",
        ),
        "depth_days": ("credit days", "depth", "відстрочка", "отсрочка", "глибина", "днів"),
    },
    "products": {
        "code": ("code", "sku", "код", "артикул", "stockcode", "номенклатура код"),
        "name": (
            "name",
            "description",
            "назва",
            "наименование",
            "найменування",
            "товар",
            "название",
        ),
        "unit": ("unit", "одиниця", "од", "единица", "ед", "од.", "ед."),
        "category": ("category", "категорія", "категория", "група", "группа"),
        "barcode": ("barcode", "ean", "штрихкод", "штрих-код"),
        "kind": ("kind", "type", "вид", "тип"),
        "attributes": ("attributes", "характеристики", "атрибути", "атрибуты", "властивості"),
    },
    "prices": {
        "code": ("code", "sku", "код", "артикул"),
        "price": ("price", "ціна", "цена"),
        "min_quantity": ("min quantity", "from", "від", "от", "кількість від", "количество от"),
        "list": ("price list", "list", "прайс", "прайс-лист", "тип ціни", "тип цены"),
    },
    "stock": {
        "code": ("code", "sku", "код", "артикул"),
        "quantity": ("quantity", "on hand", "залишок", "остаток", "кількість", "количество", "qty"),
        "warehouse": ("warehouse", "склад"),
    },
    "sales-history": {
        "invoice": (
            "invoiceno",
            "invoice",
            "invoice no",
            "номер рахунку",
            "рахунок",
            "счет",
            "накладна",
        ),
        "code": ("stockcode", "stock code", "sku", "code", "код", "артикул"),
        "description": ("description", "назва", "название", "товар", "найменування"),
        "quantity": ("quantity", "qty", "кількість", "количество"),
        "date": ("invoicedate", "invoice date", "date", "дата"),
        "price": ("unitprice", "unit price", "price", "ціна", "цена"),
        "customer": ("customerid", "customer id", "customer", "клієнт", "клиент", "контрагент"),
        "country": ("country", "країна", "страна"),
    },
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "parties": ("code", "name"),
    "products": ("code", "name"),
    "prices": ("code", "price"),
    "stock": ("code", "quantity"),
    "sales-history": ("invoice", "code", "quantity", "date", "price"),
}
# A column of its own for each attribute of goods: the mapping's key is this and the heading.
ATTRIBUTE = "attribute:"


def attribute_columns(mapping: Mapping[str, int]) -> dict[str, str]:
    """The mapping's key of each such column -> the attribute's name."""
    return {key: key.removeprefix(ATTRIBUTE) for key in mapping if key.startswith(ATTRIBUTE)}


def auto_map(kind: str, head: Sequence[str]) -> dict[str, int]:
    """Field -> column number, for the columns whose names we know."""
    plain = [" ".join(name.lower().replace("_", " ").split()) for name in head]
    mapping: dict[str, int] = {}
    for field, names in FIELDS[kind].items():
        for name in (field.replace("_", " "), *names):
            if name in plain and plain.index(name) not in mapping.values():
                mapping[field] = plain.index(name)
                break
    return mapping


def missing(kind: str, mapping: Mapping[str, int]) -> list[str]:
    return [field for field in REQUIRED[kind] if field not in mapping]
