"""What an init changes and puts back."""

from __future__ import annotations

import os
import sys

import pytest

from wangp_bridge import commands, errors


@pytest.mark.parametrize("name", ["WANGP=X", "WANGP\0X", ""])
def test_a_variable_that_cannot_be_set_is_refused_by_its_name_and_the_others_are_put_back(client, root, name):
    with pytest.raises(errors.BridgeError, match="env") as raised:
        commands.init(client, {"root": str(root), "env": {"WANGP_TEST_FIRST": "1", name: "2"}})
    assert raised.value.code == "ERR_WANGP_ARGUMENT"
    assert repr(name) in str(raised.value)
    assert "WANGP_TEST_FIRST" not in os.environ


def test_a_later_init_that_fails_puts_back_what_it_changed_and_nothing_else(client, root, monkeypatch):
    commands.init(client, {"root": str(root)})
    sys.modules["shared.api"].init = None
    monkeypatch.setenv("WANGP_TEST_KEPT", "1")
    sys.path.append("/of-somebody-else")
    with pytest.raises(errors.BridgeError) as raised:
        commands.init(
            client,
            {"root": str(root), "env": {"WANGP_TEST_KEPT": None, "WANGP_TEST_NEW": "2"}, "python_path": ["/mine"]},
        )
    assert raised.value.code == "ERR_WANGP_IMPORT"
    assert os.environ["WANGP_TEST_KEPT"] == "1"
    assert "WANGP_TEST_NEW" not in os.environ
    assert "/of-somebody-else" in sys.path
    assert "/mine" not in sys.path
