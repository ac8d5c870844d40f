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
    **dict.fromkeys("один одну одна одне one".split(), 1),
    **dict.fromkeys("два дві две two".split(), 2),
    **dict.fromkeys("три three".split(), 3),
    **dict.fromkeys("чотири четыре four".split(), 4),
    **dict.fromkeys("п'ять пʼять п’ять пять five".split(), 5),
    **dict.fromkeys("шість шесть six".split(), 6),
    **dict.fromkeys("сім семь seven".split(), 7),
    **dict.fromkeys("вісім восемь eight".split(), 8),
    **dict.fromkeys("дев'ять девʼять дев’ять девять nine".split(), 9),
    **dict.fromkeys("десять десяток ten".split(), 10),
    **dict.fromkeys("дюжина dozen".split(), 12),
    **dict.fromkeys("двадцять двадцать twenty".split(), 20),
    **dict.fromkeys("сто сотня сотню hundred".split(), 100),
}
COURTESY = frozenset(
    "добрий добрый доброго день дня ранку ранок вечір вечер вечора утро утра привіт привет вітаю"
    " здравствуйте здрастуйте hello hi hey dear good morning afternoon потрібно потрібна потрібні"
    " потрібен треба нужно нужна нужны нужен надо need want please будь ласка пожалуйста плз дякую"
    " дякуємо спасибо заздалегідь thanks thank you мені нам мне me us i we хочу хочемо хотим хотів"
    " хотіли замовити замовляю замовляємо замовлення замовленні заказ заказать закажите заказываю"
    " order відправте відправити отправьте отправить привезіть привезите send дайте прошу можна"
    " можно запишіть додайте добавьте add ще еще ещё також также also плюс plus по штучно наш наше"
    " шановні колеги друзі арт артикул код code sku позиція товар список завтра сьогодні сегодня"
    " терміново срочно asap today tomorrow на для до від от з із с со в у во к та і й и а the of"
    " a an for to from with number номер це это нужное таке такое наступне следующее дуже очень"
    " very thx".split()
)
MONTHS = frozenset(
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня января"
    " февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
)
DENIAL = frozenset(
    "не без крім кроме ні нет not no without except скасувати скасуйте відмінити отменить отмените"
    " отмена прибрати приберіть убрать уберите cancel remove замість вместо instead або или"
    " or".split()
)
QUESTION = frozenset(
    "скільки сколько ціна цена почім почем коли когда чи є есть наявність наличие наявності наличии"
    " коштує стоит how much price when is are available where де где який какой which".split()
)


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
