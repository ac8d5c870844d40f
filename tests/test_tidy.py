"""Style as a failing test: sizes, names, words in their place, translations complete."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from dilo.kit import i18n

ROOT = Path(__file__).resolve().parents[1]
CODE = [
    path
    for folder in ("src", "tenants", "portal", "bots", "api")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
TEMPLATES = [
    path
    for folder in ("src", "tenants", "portal", "bots", "api")
    for path in sorted((ROOT / folder).rglob("*.html"))
]
BANNED = {
    "service",
    "manager",
    "helper",
    "helpers",
    "util",
    "utils",
    "common",
    "core",
    "base",
    "misc",
}
CYRILLIC = re.compile("[а-яіїєґА-ЯІЇЄҐ]")
MAY_SPEAK = (
    "demo",
    "imports/mapping.py",
    "banking/formats.py",
    "kit/reading.py",
    "orders/wording.py",
    "orders/spoken/",
    "orders/sheet_lines.py",
    "bots/intents.py",
    "imports/lists.py",
    "kit/templating.py",
    "templating.py",
)


def test_files_and_functions_are_short() -> None:
    long: list[str] = []
    for path in CODE:
        text = path.read_text()
        if len(text.splitlines()) > 400:
            long.append(f"{path}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > 45:
                    long.append(f"{path}:{node.lineno} {node.name}: {size} lines")
    assert long == []


def test_no_file_hides_behind_a_word_that_says_nothing() -> None:
    assert [path for path in CODE if path.stem in BANNED] == []


def test_people_are_not_spoken_to_from_python() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in CODE
        if path.name != "__init__.py" and not any(part in str(path) for part in MAY_SPEAK)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if CYRILLIC.search(line)
        and not line.strip().startswith(("#", '"""'))
        and "—" not in line
        and ("'" in line or '"' in line)
    ]
    assert found == []


def messages() -> set[str]:
    found: set[str] = set()
    for path in TEMPLATES:
        with path.open("rb") as file:
            for _, _, message, _ in babel_extract(
                file,
                ("_", "gettext", "ngettext", "trans"),
                [],
                {"extensions": "jinja2.ext.do,jinja2.ext.loopcontrols", "newstyle_gettext": "true"},
            ):
                first = message if isinstance(message, str) else (message or [""])[0]
                if first and not first.endswith(":"):
                    found.add(first)
    return found


def refusals() -> set[str]:
    pattern = re.compile(r"(?:Refusal|NotFound|Forbidden|Broken)\(\s*[\"']([A-Z_]+)[\"']")
    return {f"refusal:{code}" for path in CODE for code in pattern.findall(path.read_text())}


def flashes() -> set[str]:
    pattern = re.compile(r"[\"']((?:flash|invalid|column|import|portal|bot):[A-Za-z_]+)[\"']")
    return {key for path in CODE for key in pattern.findall(path.read_text())}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_everything_said_is_said_in_every_language_and_one_way(language: str) -> None:
    """All packages are one catalogue: a word with two translations would be whichever is last."""
    known: dict[str, set[str]] = {}
    for folder in i18n.default_folders():
        path = folder / "locale" / f"{language}.po"
        if path.exists():
            with path.open("rb") as file:
                for m in read_po(file):
                    if m.id and m.string and not m.fuzzy:
                        known.setdefault(str(m.id), set()).add(str(m.string))
    wanted = messages() | refusals() | flashes()
    assert len(wanted) > 300
    assert sorted(wanted - known.keys()) == []
    assert {key: texts for key, texts in known.items() if len(texts) > 1} == {}


@pytest.mark.parametrize("language", ["uk", "ru"])
def test_figures_of_a_sentence_are_the_same_in_every_language(language: str) -> None:
    figures = re.compile(r"\{(\w+)\}|%\((\w+)\)s")
    odd: list[str] = []
    for folder in i18n.default_folders():
        texts = {}
        for code in ("en", language):
            path = folder / "locale" / f"{code}.po"
            with path.open("rb") as file:
                texts[code] = {str(m.id): str(m.string) for m in read_po(file) if m.id}
        for key, text in texts["en"].items():
            other = texts[language].get(key, "")
            if sorted(figures.findall(text or key)) != sorted(figures.findall(other)):
                odd.append(f"{folder.name} {language} {key}")
    assert odd == []
