from builders import submission
from laba.core.addressing import addressed
from laba.model.hook import Hook, Source

MAIN = Hook("main", "http://main.example/", "native")
TEST = Hook("test", "http://test.example/", "native", env="test")
PROD = Hook("prod", "http://prod.example/", "native", env="prod")
HOOKS = (MAIN, TEST, PROD)


def chosen(hooks=HOOKS, source=Source.CALLER, **how):
    return [hook.name for hook in addressed(hooks, submission(**how), source)]


def test_without_an_env_those_without_one_are_told():  # N5
    assert chosen() == ["main"]


def test_an_env_chooses_the_hooks_that_have_it():  # N5
    assert chosen(env="test") == ["test"]
    assert chosen(env="prod") == ["prod"]


def test_an_env_that_nobody_has_is_like_none():  # N5
    assert chosen(env="stage") == ["main"]
    assert chosen(env="") == ["main"]
    assert chosen((TEST, PROD), env="stage") == []


def test_what_is_not_to_be_copied_is_told_to_nobody():  # N5, route 0
    assert chosen(told=False) == []
    assert chosen(told=False, env="test") == []


def test_a_hook_is_told_what_its_sources_send():  # S6
    clients = Hook("clients", "http://clients.example/", "native", sources=frozenset({Source.CLIENT}))
    callers = Hook("callers", "http://callers.example/", "native", sources=frozenset({Source.CALLER}))
    assert chosen((clients, callers), Source.CALLER) == ["callers"]
    assert chosen((clients, callers), Source.CLIENT) == ["clients"]


def test_an_env_whose_hook_wants_another_source_is_like_none():
    clients = Hook("clients", "http://clients.example/", "native", env="test", sources=frozenset({Source.CLIENT}))
    assert chosen((MAIN, clients), Source.CALLER, env="test") == ["main"]
