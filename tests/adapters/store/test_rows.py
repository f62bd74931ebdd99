from types import MappingProxyType

import pytest

from contracts.stores import dispatch
from laba.adapters.store import rows
from laba.model.content import Content, Kind


def custom(exts):
    return dispatch(1, content=Content(Kind.CUSTOM, MappingProxyType({"event": "e", "exts": exts})))


def test_any_mapping_is_kept_as_an_object():
    """A frozen mapping, at any depth, is JSON like a dict."""
    frozen = MappingProxyType({"a": [MappingProxyType({"b": 1})]})
    assert rows.ledger_row(custom(frozen)) == rows.ledger_row(custom({"a": [{"b": 1}]}))


def test_what_is_no_json_is_a_bug():
    """A value that could not be read back is never written."""
    with pytest.raises(TypeError, match="complex"):
        rows.ledger_row(custom(1j))
