"""Names of blocks, digests of what decides them, and blocks as bytes."""

from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import Failure, Profile
from lightmeter.batch import plan
from lightmeter.batch.block import Block
from lightmeter.batch.sources.item import Item
from lightmeter.errors import DecodeError

texts = st.text(st.characters(exclude_categories=[]), max_size=8)  # lone surrogates too


@given(
    failures=st.lists(st.builds(Failure, texts, texts, texts), max_size=3),
    segments=st.dictionaries(texts, st.just(Profile().view().to_bytes()), max_size=3),
)
@settings(max_examples=50)
def test_a_block_is_its_bytes(failures: list[Failure], segments: dict[str, bytes]) -> None:
    block = Block(Profile().view().to_bytes(), failures, segments)
    assert Block.from_bytes(block.to_bytes()) == block


@given(data=st.data())
@settings(max_examples=200)
def test_damaged_bytes_of_a_block_are_refused(data: st.DataObject) -> None:
    profile = Profile().view().to_bytes()
    whole = Block(profile, [Failure("a", "b", "c")], {"s": profile}).to_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    for damaged in (bytes(changed), whole[:at], whole + b"\0"):
        try:
            block = Block.from_bytes(damaged)
        except DecodeError:
            continue
        assert damaged == bytes(changed)  # no bytes are ignored or missed
        assert block != Block.from_bytes(whole)


def test_items_are_told_apart_by_all_that_they_say() -> None:
    items = [
        Item("a", b"1"),
        Item("b", b"1"),
        Item("a", b"2"),
        Item("a", b"1", "b"),
        Item("a", b"1", values={"x": 1}),
        Item("a", b"1", values={"x": 1.0}),
        Item("a", b"1", values={"y": 1}),
        Item("a", "1"),
    ]
    names = {next(iter(plan.planned([item], 64, print))).name for item in items}
    assert len(names) == len(items)
