"""The ``dilo`` command. Groups live in ``dilo.run.commands``, one file each, found by name."""

import pkgutil
import sys
from importlib import import_module

import rich_click as click

from dilo.kit import i18n
from dilo.kit.errors import Refusal
from dilo.run import commands

click.rich_click.TEXT_MARKUP = "markdown"
click.rich_click.SHOW_ARGUMENTS = True


class Found(click.RichGroup):
    """Commands are the modules of ``dilo.run.commands``; each is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(m.name.strip("_") for m in pkgutil.iter_modules(commands.__path__))

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        names = {m.name.strip("_"): m.name for m in pkgutil.iter_modules(commands.__path__)}
        if cmd_name not in names:
            return None
        found = import_module(f"dilo.run.commands.{names[cmd_name]}").command
        found.name = cmd_name  # what help lists, as each file calls its own `command`
        return found


@click.group(cls=Found, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """**Dilo**: the platform a company that sells on credit runs on.

    First time? `dilo up` starts everything and prints where to go.

    - `dilo tenant new "Acme Ltd" --currency GBP --language en` makes a company
    - `dilo import sales-history FILE --tenant acme-ltd` brings its history in
    - `dilo report receivables --tenant acme-ltd --json` says who owes what
    - `dilo books` proves that the figures add up
    - `dilo cards` says who takes cards, and how to set test keys

    Without DATABASE_URL the embedded servers in DILO_VAR are used, and started if need be.
    """


def main() -> None:
    i18n.use_language(i18n.best_language(_system_language(), "en"))
    try:
        cli(standalone_mode=True)
    except Refusal as refusal:
        print(i18n.say(f"refusal:{refusal.code}", **refusal.figures), file=sys.stderr)
        sys.exit(1)


def _system_language() -> str:
    import os

    return os.environ.get("DILO_LANGUAGE") or os.environ.get("LANG", "")[:2]


if __name__ == "__main__":
    main()
