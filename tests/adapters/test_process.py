import gc

import pytest

from laba.adapters.process import Collector


class Cycle:
    def __init__(self):
        self.itself = self


def alive():
    return sum(isinstance(each, Cycle) for each in gc.get_objects())


@pytest.fixture
def collector():
    """Give a collector that walks everything after ten seconds, its clock, and whether there is little to do."""
    state = {"now": 0.0, "idle": True}
    gc.collect()
    gc.disable()
    yield Collector(10, lambda: state["idle"], lambda: state["now"]), state
    gc.unfreeze()
    gc.enable()
    gc.collect()


def test_young_cycles_go_at_once(collector):
    """Whatever else there is."""
    spare, _ = collector
    Cycle()
    spare.spare()
    gc.unfreeze()
    assert alive() == 0


def test_what_stays_is_not_walked_again_until_it_is_time(collector):
    """And not then, while there is much to do."""
    walks, state = collector
    kept = [Cycle() for _ in range(3)]
    walks.spare()
    frozen = gc.get_freeze_count()
    assert frozen > 3
    kept.clear()
    state["now"], state["idle"] = 11.0, False
    walks.spare()
    assert gc.get_freeze_count() >= frozen
    state["idle"] = True
    walks.spare()
    gc.unfreeze()
    assert alive() == 0


def test_where_there_is_never_a_moment_for_it_everything_is_walked_in_the_end(collector):
    """Else what is left would grow for ever."""
    walks, state = collector
    state["idle"] = False
    kept = [Cycle()]
    walks.spare()
    kept.clear()
    state["now"] = 239.0
    walks.spare()
    state["now"] = 241.0
    walks.spare()
    gc.unfreeze()
    assert alive() == 0
