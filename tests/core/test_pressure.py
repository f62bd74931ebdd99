import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.pressure import Load, LoadBounds, pressure

BOUNDS = LoadBounds(lag_ms=100, backlog_ms=500, flush_ms=250)
FIGURES = ("lag_ms", "backlog_ms", "flush_ms")
loads = st.builds(Load, *[st.floats(0, 1e6)] * 3)


def test_an_idle_node_is_not_pressed():
    assert pressure(Load(0, 0, 0), BOUNDS) == 0


@pytest.mark.parametrize("load", [Load(100, 0, 0), Load(0, 500, 0), Load(0, 0, 250), Load(100, 500, 250)])
def test_at_any_of_its_bounds_it_is_one(load):
    """Each figure counts for itself: one that is at its bound is enough."""
    assert pressure(load, BOUNDS) == 1


def test_the_worst_figure_tells():
    assert pressure(Load(lag_ms=10, backlog_ms=1000, flush_ms=250), BOUNDS) == 2


@given(loads, st.sampled_from(FIGURES), st.floats(0, 1e6))
def test_it_never_falls_while_a_figure_grows(load, figure, more):
    grown = Load(**{name: getattr(load, name) + (more if name == figure else 0) for name in FIGURES})
    assert pressure(grown, BOUNDS) >= pressure(load, BOUNDS)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_cannot_be_is_none(name):
    """A load of less than nothing, or not a number, is a bug; a bound of nothing would always be passed."""
    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError, match=name):
            Load(**{**dict.fromkeys(FIGURES, 0.0), name: wrong})
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=name):
            LoadBounds(**{name: wrong})
