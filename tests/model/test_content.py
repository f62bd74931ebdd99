import pytest

from laba.model.content import FIELDS, Content, Kind


def test_every_kind_has_its_fields():
    """They are those of the canonical message, and no kind is without."""
    assert set(FIELDS) == set(Kind)
    assert FIELDS[Kind.TXT] == {"text"}
    assert FIELDS[Kind.LOC] == {"latitude", "longitude", "address"}


@pytest.mark.parametrize("kind", Kind)
def test_a_content_has_members_of_its_kind_only(kind):
    """All of them, some or none; but no other's."""
    assert Content(kind, dict.fromkeys(FIELDS[kind], "x"))
    assert Content(kind, {})
    with pytest.raises(ValueError, match=f"{kind} has no a_stranger"):
        Content(kind, {"a_stranger": 1})
