"""The cache of what went out to chosen users: bounded, and without what was recalled."""

from builders import APP_UUID, OTHER_UUID
from laba.core.window import Kept
from laba.model.stream import Stream
from laba.service.chosen import ChosenLogs

OURS, THEIRS = Stream(APP_UUID, "app"), Stream(OTHER_UUID, "app")


def kept(offset, size=10):
    return Kept(offset, 100 + offset, 0, size, {})


def test_it_gives_the_very_object_of_an_app():
    logs, one = ChosenLogs(), kept(1)
    logs.add(OURS, one)
    assert logs.find(OURS, 1) is one
    assert logs.find(THEIRS, 1) is None


def test_a_thousand_are_kept_over_all_apps():
    logs = ChosenLogs()
    for offset in range(1, 1002):
        logs.add(OURS if offset % 2 else THEIRS, kept(offset))
    assert logs.find(OURS, 1) is None
    assert logs.find(THEIRS, 2) is not None


def test_eight_megabytes_are_kept():
    logs = ChosenLogs()
    for offset in (1, 2, 3):
        logs.add(OURS, kept(offset, 3 * 1024 * 1024))
    assert [logs.find(OURS, offset) is not None for offset in (1, 2, 3)] == [False, True, True]


def test_what_is_withdrawn_is_forgotten_and_makes_room():
    logs = ChosenLogs()
    for stream in (OURS, THEIRS):
        logs.add(stream, kept(1, 4 * 1024 * 1024))
    logs.withdraw(OURS, 101)
    logs.add(OURS, kept(2, 4 * 1024 * 1024))
    assert [logs.find(OURS, 1), logs.find(OURS, 2) is None, logs.find(THEIRS, 1) is None] == [None, False, False]
