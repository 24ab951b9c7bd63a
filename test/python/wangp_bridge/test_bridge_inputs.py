"""Inputs in memory: what can't be, and what can be repeated."""

from __future__ import annotations

import pytest

from wangp_bridge import commands, errors


def argument(match):
    return pytest.raises(errors.BridgeError, match=match)


def test_an_unknown_input_is_refused_with_a_code(sources):
    for attempt in (
        lambda: commands.write_input(123_456, 0, memoryview(b"x")),
        lambda: commands.register_video(123_456, "a", [1, 1, 1], False, 24),
        lambda: commands.register_image(123_456, "a", None),
    ):
        with argument("no input 123456 under way: it was registered or discarded") as raised:
            attempt()
        assert raised.value.code == "ERR_WANGP_ARGUMENT"
    commands.discard_input(123_456)


def test_a_piece_outside_of_the_input_is_refused_and_does_not_make_it_larger(client):
    number = commands.begin_input(client, 4)
    commands.write_input(number, 1, memoryview(b"abc"))
    for offset in (2, 4, -1):
        with argument("lies outside of the input, which has 4 bytes"):
            commands.write_input(number, offset, memoryview(b"abc"))
    commands.discard_input(number)


@pytest.mark.parametrize("size", [-1, 2**62])
def test_an_input_that_there_is_no_memory_for_is_refused_with_a_code(client, size):
    with argument(f"no memory for an input of {size} bytes"):
        commands.begin_input(client, size)


def test_unregister_that_failed_can_be_repeated_and_one_that_succeeded_too(client, sources):
    path = commands.register_video(commands.begin_input(client, 12), "a", [1, 2, 2], False, 24)
    sources["fail"] = True
    with pytest.raises(OSError, match="not now"):
        commands.unregister(path)
    assert len(sources) == 2
    del sources["fail"]
    commands.unregister(path)
    assert sources == {}
    sources["fail"] = True
    commands.unregister(path)
