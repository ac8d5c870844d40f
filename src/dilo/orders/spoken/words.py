"""Words of three languages, and the forms in which letters, sizes and numbers are compared."""

import re
from functools import lru_cache

# What looks alike in both alphabets is one letter in an article code.
LOOKALIKES = str.maketrans("авсенкмортхуіё", "abcehkmoptxyie")
CYRILLIC = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "e", "ё": "e",
        "ж": "zh", "з": "z", "и": "i", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m",
        "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h",
        "ц": "c", "ч": "ch", "ш": "sh", "щ": "shch", "ь": "", "ъ": "", "ю": "u", "я": "a",
        "ы": "i", "э": "e", "'": "", "’": "", "ʼ": "", "`": "",
    }
)  # fmt: skip
SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("shch|sch|sh", "s"), ("zh", "z"), ("kh", "h"), ("ch|ts|tz", "c"), ("[yij][ua]", "u"),
        ("[yij]e", "e"), ("[yj]", "i"), ("ii+", "i"), ("w", "v"), ("q|ck", "k"), ("ph", "f"),
        ("g", "h"), (r"(?<=.)([a-z])\1+(?=.)", r"\1"),
    )
]  # fmt: skip
LATIN_KEYS = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
CYRILLIC_KEYS = "йцукенгшщзхїфівапролджєячсмитьбю"
LAYOUT = str.maketrans(LATIN_KEYS, CYRILLIC_KEYS)
TYPED = str.maketrans(CYRILLIC_KEYS, LATIN_KEYS)

PIECE, METRE, KILO, LITRE, PACK = "pcs", "m", "kg", "l", "pack"
UNITS = {
    **dict.fromkeys(
        "шт штук штуки штука штуку штучок pcs pc piece pieces ea од одиниць ед единиц".split(),
        PIECE,
    ),
    **dict.fromkeys(
        "м метр метри метрів метра метров метры m meter meters metre metres пм мп".split(), METRE
    ),
    **dict.fromkeys("кг kg кіло кило кілограм килограмм".split(), KILO),
    **dict.fromkeys("л літр літрів литр литров l".split(), LITRE),
    **dict.fromkeys(
        "уп упак упаковка упаковки упаковок упаковку пач пачка пачки пачок пачек pack packs ящ ящик"
        " ящики ящиків ящиков кор коробка коробки коробок коробку box boxes бухта бухти бухт бухты"
        " бухту рулон рулони рулонів рулонов комплект комплекти комплектів набір пара пари пар"
        " pair pairs".split(),
        PACK,
    ),
}
MEASURES = {
    **dict.fromkeys("вт ват ватт w watt watts ватний".split(), "w"),
    **dict.fromkeys("а ампер a amp амп".split(), "a"),
    **dict.fromkeys("в вольт v volt".split(), "v"),
    **dict.fromkeys("мм mm".split(), "mm"),
    **dict.fromkeys("см cm".split(), "cm"),
    **dict.fromkeys("к k кельвін".split(), "k"),
    **dict.fromkeys("мод модулів модулей модуля mod".split(), "mod"),
}
NUMBERS = {
    word: value
    for value, words in {
        0.5: "пів пол півметра полметра half",
        1: "один одну одна одне одного одной one",
        1.5: "півтора півтори полтора полторы",
        2: "два дві две двох двух two",
        3: "три трьох трех трёх three",
        4: "чотири чотирьох четыре четырех four",
        5: "п'ять п'яти пять пяти пьять five",
        6: "шість шести шесть six",
        7: "сім семи семь seven",
        8: "вісім восьми восемь eight",
        9: "дев'ять дев'яти девять девяти nine",
        10: "десять десяти ten",
        11: "одинадцять одинадцяти одиннадцать eleven",
        12: "дванадцять дванадцяти двенадцать twelve",
        13: "тринадцять тринадцать thirteen",
        14: "чотирнадцять четырнадцать fourteen",
        15: "п'ятнадцять п'ятнадцяти пятнадцять пятнадцать fifteen",
        16: "шістнадцять шестнадцать sixteen",
        17: "сімнадцять семнадцать seventeen",
        18: "вісімнадцять восемнадцать eighteen",
        19: "дев'ятнадцять девятнадцать nineteen",
        20: "двадцять двадцяти двадцать двадцати twenty",
        30: "тридцять тридцяти тридцать тридцати thirty",
        40: "сорок сорока forty",
        50: "п'ятдесят п'ятдесяти пятьдесят пятдесят fifty півсотні полсотни",
        60: "шістдесят шестьдесят sixty",
        70: "сімдесят семьдесят seventy",
        80: "вісімдесят восемьдесят eighty",
        90: "дев'яносто девяносто ninety",
        100: "сто ста",
        150: "півтораста полтораста",
        200: "двісті двести",
        300: "триста",
        400: "чотириста четыреста",
        500: "п'ятсот пятьсот",
    }.items()
    for word in words.split()
}
# By themselves a number; after one they multiply it: two dozen, дві сотні.
SCORES = {
    **dict.fromkeys("десяток десятка десятки десятків десятков".split(), 10),
    **dict.fromkeys("дюжина дюжину дюжини дюжины dozen dozens".split(), 12),
    **dict.fromkeys("сотня сотню сотні сотни сотень hundred hundreds".split(), 100),
    **dict.fromkeys(
        "тисяча тисячу тисячі тисяч тис тыс тысяча тысячу тысяч thousand".split(), 1000
    ),
}
CURRENCY = frozenset(
    "грн гривень гривні гривня гривен uah usd eur дол доларів долларов євро евро коп копійок"
    " копеек руб pln zl".split()
)
COURTESY = frozenset(
    "добрий добрый доброго день дня ранку ранок вечір вечер вечора утро утра привіт привет"
    " вітаю здравствуйте здрастуйте hello hi hey dear good morning afternoon потрібно потрібна"
    " потрібні потрібен треба нужно нужна нужны нужен надо need want please будь ласка"
    " пожалуйста плз дякую дякуємо спасибо заздалегідь thanks thank you мені нам мне me us i we"
    " хочу хочемо хотим хотів хотіли замовити замовляю замовляємо замовлення замовленні заказ"
    " заказать закажите заказываю order відправте відправити отправьте отправить привезіть"
    " привезите send дайте прошу можна можно запишіть додайте добавьте add ще еще ещё також"
    " также also плюс plus по штучно наш наше шановні колеги друзі арт артикул код code sku"
    " позиція товар список завтра сьогодні сегодня терміново срочно asap today tomorrow на для"
    " до від от з із с со в у во к та і й и а the of a an for to from with number номер це это"
    " нужное таке такое наступне следующее дуже очень very thx pls plz плиз пліз пжлст нада"
    " сьодні сьогодня драстуйте дратуті вітання скиньте скинь киньте кинь закиньте пришліть"
    " пришлите надішліть беру беремо берем візьму візьмемо возьму возьмем виставити виставте"
    " виставіть выставить выставите рахунок счет счёт invoice але но but тільки только only ну"
    " же ж обід обіду обеда обеду lunch тиждень тижні неделю неделе ean шк штрихкод штрих-код"
    " barcode потом потім всім всем пане пані товари всього усього всего разом итого total together"
    " кожного кожної каждого каждой each уважаемые".split()
)
WEEKDAYS = frozenset(
    "понеділок вівторок середу четвер п'ятницю пятницу суботу неділю понедельник вторник среду"
    " четверг субботу воскресенье monday tuesday wednesday thursday friday saturday sunday"
    " понеділка вівторка середи четверга п'ятниці суботи неділі понедельника вторника среды"
    " пятницы субботы воскресенья".split()
)
TOTALS = frozenset("всього усього разом всего итого total together".split())
# What stands before a date, or before the most or the least of something.
UNTIL = frozenset("на до к ко від от on by to from under over".split())
MONTHS = frozenset(
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня"
    " января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
)
# Not this, or not so, or not an order at all: what is named is asked about wherever it is said.
DENIAL = frozenset(
    "не без крім кроме ні нет not no without except cancel cancelled remove замість вместо"
    " instead або или or краще лучше rather вірніше точніше вернее точнее тобто поправка"
    " передумав передумали передумал correction actually ой oops wait стоп замовляв замовляли"
    " заказывали ordered прийшло прийшли прийшов пришло пришел пришёл broken".split()
)
DENIAL_ROOTS = (
    "відмін отмен скасу скасов прибер прибра убер убра викресл вычеркн заміні замени поверн"
    " поверта возвра верни верну брак рекламац обмін обмен зламан сломан дефект отрима получил"
    " receiv refund return defect"
).split()
# A question, or a quantity said loosely: only this line is in doubt.
QUESTION = frozenset(
    "скільки сколько ціна цена почім почем коли когда чи є есть наявність наличие наявності"
    " наличии коштує стоит how much price when is are available where де где який какой which"
    " якщо если if приблизно близько біля орієнтовно около примерно приблизительно десь максимум"
    " макс мінімум минимум about roughly approx".split()
)


def unit_of(word: str) -> str | None:
    """Also as it is misspelt by ear: мєтров."""
    return UNITS.get(word) or (_UNITS_HEARD.get(sound(word)) if len(word) >= UNIT_HEARD else None)


def denies(word: str) -> bool:
    return word in DENIAL or word.startswith(tuple(DENIAL_ROOTS))


def code_key(text: str) -> str:
    """What is left of an article code when punctuation, case and alphabet are put aside."""
    return "".join(ch for ch in text.lower().translate(LOOKALIKES) if ch.isalnum())


@lru_cache(maxsize=20_000)
def sound(word: str) -> str:
    """A word of either alphabet as one Latin skeleton: розетка and rozetka are alike."""
    latin = word.lower().translate(CYRILLIC)
    for pattern, letter in SOUNDS:
        latin = pattern.sub(letter, latin)
    return latin


def other_layout(word: str) -> str:
    """What the keys would have typed with the Cyrillic layout on: hjptnrf is розетка."""
    return word.lower().translate(LAYOUT)


def code_keys(text: str) -> list[str]:
    """As it may have been meant: letters that look alike, or spelt in Cyrillic (лед-101), or typed
    with the wrong layout on (дув-101)."""
    low = text.lower()
    if not any(ch.isdigit() for ch in low) or low.isascii():
        return [code_key(low)]
    ways = (low, low.translate(CYRILLIC), low.translate(TYPED))
    return list(dict.fromkeys(code_key(way) for way in ways))


UNIT_HEARD = 4
_UNITS_HEARD = {sound(word): unit for word, unit in UNITS.items() if len(word) >= UNIT_HEARD}
