"""Sealed texts: unreadable, opened only by their owner with this server's secret."""

import pytest

from dilo.kit import sealing
from dilo.kit.errors import Refusal
from dilo.run.settings import process_secret


@pytest.fixture(autouse=True)
def secrets_in_use() -> object:
    sealing.use_secrets("one secret")
    yield
    sealing.use_secrets(process_secret())


def test_what_was_sealed_opens_and_shows_nothing_of_itself() -> None:
    sealed = sealing.seal("sk_test_ключ", "tenant:stripe")
    assert "sk_test" not in sealed
    assert sealed != sealing.seal("sk_test_ключ", "tenant:stripe")
    assert sealing.unseal(sealed, "tenant:stripe") == "sk_test_ключ"


def test_moved_to_another_row_it_opens_for_nobody() -> None:
    with pytest.raises(Refusal, match="SEAL_BROKEN"):
        sealing.unseal(sealing.seal("x", "tenant-1"), "tenant-2")


@pytest.mark.parametrize("text", ["", "s1.", "s1.!!", "s2.AAAA", "s1.AAAA", "plain"])
def test_nonsense_is_a_refusal(text: str) -> None:
    with pytest.raises(Refusal, match="SEAL_BROKEN"):
        sealing.unseal(text)


def test_one_altered_byte_opens_nothing() -> None:
    sealed = sealing.seal("x" * 40)
    for place in (5, len(sealed) // 2, len(sealed) - 6):
        other = "A" if sealed[place] != "A" else "B"
        with pytest.raises(Refusal, match="SEAL_BROKEN"):
            sealing.unseal(sealed[:place] + other + sealed[place + 1 :])


def test_a_changed_secret_opens_the_former_ones_and_seals_anew() -> None:
    sealed = sealing.seal("x")
    sealing.use_secrets("two", "one secret")
    assert sealing.unseal(sealed) == "x"
    fresh = sealing.seal("y")
    sealing.use_secrets("one secret")
    with pytest.raises(Refusal, match="SEAL_BROKEN"):
        sealing.unseal(fresh)
