from dataclasses import replace

import pytest

from builders import said, submission
from laba.model.calls import ChangeApp
from laba.model.hook import HOOKS_MAX, Hook, Source
from laba.model.hookcalls import (
    DeadLettersListed,
    DeadLettersResent,
    GetWords,
    HookRemoved,
    HooksShown,
    ListDeadLetters,
    ListHooks,
    PutHook,
    PutWords,
    RemoveHook,
    ResendDeadLetters,
    WordsShown,
)
from laba.model.letter import Letter, Mailbox
from laba.model.refusal import Code
from receiver import receiving

pytestmark = pytest.mark.anyio

MAIN = Hook("main", "http://main.example/", "native")


async def ask(house, call):
    return await house.desk.serve(call, house.app)


async def put(house, hook=MAIN):
    return (await ask(house, PutHook(hook))).hooks[0]


async def bury(house, *numbers):
    letters = [Letter(str(number), house.app.uuid, "main", said(number), Source.CALLER) for number in numbers]
    await house.store.letters.add(letters)
    kept = await house.store.letters.first(house.app.uuid, "main", 100)
    await house.store.letters.bury([letter.number for letter in kept], "no", 1)
    return [letter.number for letter in kept]


async def test_a_hook_without_a_secret_gets_one_and_keeps_it(house):  # S6
    made = await put(house)
    assert made.secret.startswith("whsec_")
    assert await put(house, replace(MAIN, url="http://other.example/")) == replace(made, url="http://other.example/")
    assert (await put(house, replace(MAIN, secret="mine"))).secret == "mine"


async def test_hooks_survive_other_changes_and_a_restart(house):
    made = await put(house)
    await ask(house, ChangeApp(development=True))
    await house.tenants.load()
    assert (await ask(house, ListHooks())).hooks == (made,)


async def test_an_app_has_so_many_hooks_and_no_more(house):
    for number in range(HOOKS_MAX):
        await put(house, Hook(f"h{number}", f"http://h{number}.example/", "native"))
    assert (await ask(house, PutHook(MAIN))).code is Code.HOOKS_TOO_MANY
    assert (await put(house, Hook("h0", "http://new.example/", "native"))).url == "http://new.example/"
    assert len((await ask(house, ListHooks())).hooks) == HOOKS_MAX


async def test_no_two_hooks_have_one_url(house):
    """Their order would be nobody's."""
    await put(house)
    refusal = await ask(house, PutHook(Hook("second", MAIN.url, "native", env="test")))
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "url")


async def test_a_hook_is_removed_with_all_that_waits_for_it(house):
    await put(house)
    await bury(house, 1, 2)
    await house.intake.accept(submission(), house.app)
    assert (await ask(house, ListHooks())).mailboxes == {"main": Mailbox(1, 2)}
    assert await ask(house, RemoveHook("main")) == HookRemoved("main")
    assert await house.store.letters.mailboxes(house.app.uuid) == {}
    assert house.app.policy.hooks == ()


async def test_dead_letters_are_shown_page_by_page(house):
    await put(house)
    numbers = await bury(house, 1, 2, 3)
    first = await ask(house, ListDeadLetters("main", 2))
    assert ([each.letter.number for each in first.letters], first.next) == (numbers[:2], numbers[1])
    rest = await ask(house, ListDeadLetters("main", 2, first.next))
    assert ([each.letter.number for each in rest.letters], rest.next) == (numbers[2:], 0)


async def test_a_page_that_ends_with_the_last_dead_letter_has_nothing_behind_it(house):
    await put(house)
    assert await ask(house, ListDeadLetters("main", 1)) == DeadLettersListed(())
    await bury(house, 1, 2)
    assert (await ask(house, ListDeadLetters("main", 2))).next == 0


async def test_a_hook_that_was_put_is_shown_with_what_waits_for_it_alone(house):  # S6
    await put(house)
    other = await put(house, Hook("other", "http://other.example/", "native"))
    await house.intake.accept(submission(), house.app)
    again = await ask(house, PutHook(other))
    assert again == HooksShown((other,), {"other": Mailbox(1, 0)})


async def test_dead_letters_that_there_are_not_are_not_sent_again(house):  # S6
    await put(house)
    (number,) = await bury(house, 1)
    assert await ask(house, ResendDeadLetters("main", frozenset({number + 1}))) == DeadLettersResent(0)
    assert (await ask(house, ListHooks())).mailboxes == {"main": Mailbox(0, 1)}


async def test_words_are_shown_as_they_were_put_until_others_are(house):  # S7
    assert await ask(house, GetWords()) == WordsShown(())
    for words in (("bad", "加微信"), ("worse",), ()):
        assert await ask(house, PutWords(words)) == WordsShown(words)
        assert await ask(house, GetWords()) == WordsShown(words)


async def test_dead_letters_are_sent_again_at_once(house):
    async with receiving() as receiver:
        await put(house, replace(MAIN, url=receiver.url))
        numbers = await bury(house, 1, 2, 3)
        assert await ask(house, ResendDeadLetters("main", frozenset(numbers[:1]))) == DeadLettersResent(1)
        assert await ask(house, ResendDeadLetters("main")) == DeadLettersResent(2)
        await house.postman.turn()
        assert [delivery.headers["webhook-id"] for delivery in receiver.taken] == ["1", "2", "3"]


async def test_a_hook_that_is_put_elsewhere_takes_along_what_waits(house):
    async with receiving() as receiver:
        await put(house)
        await house.intake.accept(submission(), house.app)
        await put(house, replace(MAIN, url=receiver.url))
        await house.postman.turn()
        assert len(receiver.taken) == 1


@pytest.mark.parametrize("call", [RemoveHook("none"), ListDeadLetters("none", 1), ResendDeadLetters("none")])
async def test_a_hook_that_there_is_not_is_unknown(house, call):
    refusal = await ask(house, call)
    assert (refusal.code, refusal.subject) == (Code.HOOK_UNKNOWN, "none")
