"""Electrical goods and the firms that buy them: raw words for the generator."""

from decimal import Decimal
from random import Random

FAMILIES: list[tuple[str, str, str, list[str], list[str], tuple[int, int]]] = [
    # code, category, unit, kinds, sizes, price range
    (
        "LED",
        "Лампи",
        "шт",
        ["Лампа LED A60", "Лампа LED G45", "Лампа LED C37", "Лампа LED T8"],
        ["5 Вт 3000K", "7 Вт 4000K", "10 Вт 4000K", "12 Вт 6500K", "15 Вт 4000K", "20 Вт 4000K"],
        (35, 180),
    ),
    (
        "CAB",
        "Кабель і провід",
        "м",
        ["Кабель ВВГнг", "Провід ПВС", "Кабель NYM", "Провід ШВВП"],
        ["2х1,5", "3х1,5", "2х2,5", "3х2,5", "3х4", "5х4", "5х6"],
        (14, 160),
    ),
    (
        "MCB",
        "Автоматика",
        "шт",
        ["Автоматичний вимикач C", "Диференційний автомат", "ПЗВ"],
        ["1P 10А", "1P 16А", "1P 25А", "2P 32А", "3P 40А", "3P 63А"],
        (95, 1450),
    ),
    (
        "SOC",
        "Розетки і вимикачі",
        "шт",
        ["Розетка", "Розетка з USB", "Вимикач", "Вимикач прохідний", "Рамка"],
        ["біла", "кремова", "антрацит", "алюміній", "дуб"],
        (48, 390),
    ),
    (
        "LUM",
        "Світильники",
        "шт",
        ["Панель LED", "Прожектор LED", "Трековий світильник", "Світильник ЖКГ"],
        ["10 Вт", "20 Вт", "30 Вт", "36 Вт", "50 Вт", "100 Вт"],
        (160, 2200),
    ),
    (
        "BOX",
        "Щити та бокси",
        "шт",
        ["Щит навісний", "Щит вбудований", "Бокс монтажний"],
        ["6 мод.", "12 мод.", "24 мод.", "36 мод."],
        (180, 2600),
    ),
    (
        "TOO",
        "Інструмент",
        "шт",
        ["Кліщі обтискні", "Викрутка діелектрична", "Тестер", "Ніж монтажний"],
        ["Pro", "Basic", "Max", "VDE"],
        (120, 2400),
    ),
    (
        "FIX",
        "Кріплення",
        "уп",
        ["Стяжка нейлонова", "Скоба кабельна", "Дюбель-хомут", "Клема WAGO", "Гофра"],
        ["3х100", "4х200", "5х300", "16 мм", "20 мм", "25 мм"],
        (22, 260),
    ),
]
FORMS = ["ТОВ", "ПП", "ФОП", "ТОВ", "ТОВ"]
FIRST = ["Електро", "Світло", "Енерго", "Техно", "Буд", "Монтаж", "Вольт", "Ампер", "Лайт", "Струм"]
SECOND = [
    "світ",
    "маркет",
    "центр",
    "сервіс",
    "груп",
    "дім",
    "плюс",
    "проєкт",
    "трейд",
    "майстер",
    "ін'єкт",
]
PEOPLE = [
    "Ковальчук",
    "Шевченко",
    "Бондар",
    "Ткаченко",
    "Кравець",
    "Мельник",
    "Поліщук",
    "Ґонта",
    "Їжакевич",
    "Савчук",
]
NAMES = ["Андрій", "Ірина", "Олег", "Наталія", "Петро", "Юлія", "Микола", "Оксана", "Тарас", "Леся"]
CITIES = [
    "Київ",
    "Львів",
    "Одеса",
    "Дніпро",
    "Харків",
    "Вінниця",
    "Житомир",
    "Полтава",
    "Черкаси",
    "Луцьк",
    "Суми",
]
SEGMENTS = ["Дилери", "Електромонтаж", "Роздріб", "Забудовники"]


def goods(random: Random, count: int) -> list[tuple[str, str, str, str, Decimal]]:
    """(code, name, category code, unit, base price), no two alike."""
    made: list[tuple[str, str, str, str, Decimal]] = []
    for code, _category, unit, kinds, sizes, (low, high) in FAMILIES:
        for brand in ("Світлояр", "Volta", "Elko", "Норма"):
            for kind in kinds:
                for size in sizes:
                    price = Decimal(random.randint(low * 100, high * 100)) / 100
                    made.append((code, f"{kind} {size} {brand}", code, unit, price))
    random.shuffle(made)
    numbered = made[:count]
    return [
        (f"{code}-{100 + n}", name, category, unit, price)
        for n, (code, name, category, unit, price) in enumerate(numbered)
    ]


def firm(random: Random, taken: set[str]) -> str:
    while True:
        form = random.choice(FORMS)
        name = (
            f"{form} {random.choice(PEOPLE)} {random.choice('АБВГОЮЯ')}. {random.choice('АВІМОП')}."
            if form == "ФОП"
            else f"{form} «{random.choice(FIRST)}{random.choice(SECOND)}»"
        )
        if name in taken:
            name = f"{name[:-1]}-{random.choice(CITIES)}»" if name.endswith("»") else name
        if name not in taken:
            taken.add(name)
            return name
