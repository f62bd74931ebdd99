from types import MappingProxyType

import pytest

from contracts.stores import dispatch
from laba.adapters.store import rows
from laba.model.app import AppPolicy, Feature
from laba.model.content import Content, Kind


def custom(exts):
    return dispatch(1, content=Content(Kind.CUSTOM, MappingProxyType({"event": "e", "exts": exts})))


def test_any_mapping_is_kept_as_an_object():
    """A frozen mapping, at any depth, is JSON like a dict."""
    frozen = MappingProxyType({"a": [MappingProxyType({"b": 1})]})
    assert rows.ledger_row(custom(frozen)) == rows.ledger_row(custom({"a": [{"b": 1}]}))


def test_a_policy_from_before_there_were_priorities_is_read():  # E5
    """Nothing goes first in it."""
    document = '{"features":["push"],"quotas":{},"development":false}'
    assert rows._policy_of(document) == AppPolicy(frozenset({Feature.PUSH}))


def test_what_is_no_json_is_a_bug():
    """A value that could not be read back is never written."""
    with pytest.raises(TypeError, match="complex"):
        rows.ledger_row(custom(1j))
