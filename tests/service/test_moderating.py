import asyncio

import pytest

from builders import counted, submission
from houses import opened
from laba.model.app import AppPolicy, Feature
from laba.model.content import Content, Kind, Original
from laba.model.hookcalls import GetWords, PutWords, WordsShown
from laba.model.moderation import Decision, Judge, Screening, Verdict
from laba.model.notification import Notification, Override
from laba.ports.moderation import ModeratorError
from laba.service.moderating import Moderating, said

pytestmark = pytest.mark.anyio

BY_WORD = Verdict(Decision.REJECTED, Judge.WORDS, "viagra")
BY_CHECKER = Verdict(Decision.REJECTED, Judge.CHECKER, "200 ad")


class Checker:
    """Gives the verdict it was told to give, and remembers what it was asked."""

    def __init__(self, verdict=BY_CHECKER):
        self.verdict = verdict
        self.matters = []

    async def judge(self, matter):
        self.matters.append(matter)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


def with_features(house, *features):
    return house.app.with_policy(AppPolicy(frozenset(features)))


async def moderating_of(house, checker=None, *, reject=False):
    await house.store.wordbook.replace(house.app.uuid, ("viagra", "加微信"))
    moderating = Moderating(house.store.wordbook, checker, house.ground, reject_on_failure=reject)
    await moderating.load()
    return moderating


async def test_nothing_is_asked_until_an_app_turns_it_on(house):  # S7
    checker = Checker()
    moderating = await moderating_of(house, checker)
    assert await moderating.verdict(submission("buy viagra"), with_features(house)) is None
    assert checker.matters == []


async def test_a_word_of_the_app_s_list_rejects(house):  # S7
    moderating = await moderating_of(house)
    app = with_features(house, Feature.WORD_FILTER)
    assert await moderating.verdict(submission("buy ＶＩＡＧＲＡ"), app) == BY_WORD
    assert await moderating.verdict(submission("buy bread"), app) is None
    assert counted(house.meter, "laba_moderation_verdicts_total", '{decision="rejected",judge="words"}') == 1


async def test_what_words_reject_is_not_sent_to_the_checker(house):
    checker = Checker()
    moderating = await moderating_of(house, checker)
    app = with_features(house, Feature.WORD_FILTER, Feature.TEXT_CHECK)
    assert await moderating.verdict(submission("viagra"), app) == BY_WORD
    assert checker.matters == []
    assert await moderating.verdict(submission("an advertisement"), app) == BY_CHECKER
    assert [matter.text for matter in checker.matters] == ["an advertisement"]


async def test_a_suspect_message_is_told_as_such_and_one_that_passed_as_nothing(house):
    suspect = Verdict(Decision.SUSPECT, Judge.CHECKER, "600 abuse")
    app = with_features(house, Feature.TEXT_CHECK)
    assert await (await moderating_of(house, Checker(suspect))).verdict(submission(), app) == suspect
    passed = Verdict(Decision.PASSED, Judge.CHECKER)
    assert await (await moderating_of(house, Checker(passed))).verdict(submission(), app) is None


async def test_a_call_that_wants_no_check_has_none(house):  # N7: use_yidun 0
    moderating = await moderating_of(house, Checker())
    app = with_features(house, Feature.WORD_FILTER, Feature.TEXT_CHECK)
    assert await moderating.verdict(submission("viagra", screening=Screening(skip=True)), app) is None


async def test_what_is_named_is_looked_at_in_place_of_the_content(house):  # N7: antispam_custom
    checker = Checker(Verdict(Decision.PASSED, Judge.CHECKER))
    moderating = await moderating_of(house, checker)
    app = with_features(house, Feature.WORD_FILTER, Feature.TEXT_CHECK)
    extras = {"deviceId": "d1"}
    named = submission("viagra", screening=Screening(text="harmless", business_id="b2", extras=extras))
    assert await moderating.verdict(named, app) is None
    (matter,) = checker.matters
    assert (matter.text, matter.business_id, matter.extras, matter.sender) == ("harmless", "b2", extras, "admin")
    assert await moderating.verdict(submission("viagra", screening=Screening(text="")), app) is None
    assert len(checker.matters) == 1


@pytest.mark.parametrize(("reject", "decision"), [(False, None), (True, Decision.REJECTED)])
@pytest.mark.parametrize("reason", ["unreachable", "busy"])
async def test_without_a_verdict_a_message_passes_or_not_as_configured(house, reject, decision, reason):  # S7
    moderating = await moderating_of(house, Checker(ModeratorError(reason)), reject=reject)
    verdict = await moderating.verdict(submission(), with_features(house, Feature.TEXT_CHECK))
    assert verdict == (Verdict(decision, Judge.NOBODY, reason) if decision else None)
    assert counted(house.meter, "laba_moderation_failures_total", f'{{reason="{reason}"}}') == 1


async def test_a_checker_that_is_switched_on_but_not_configured_is_one_that_fails(house):
    moderating = await moderating_of(house)
    assert await moderating.verdict(submission(), with_features(house, Feature.TEXT_CHECK)) is None
    assert counted(house.meter, "laba_moderation_failures_total", '{reason="unconfigured"}') == 1


async def test_words_take_effect_at_once_and_survive_a_restart(house, tmp_path):
    app = with_features(house, Feature.WORD_FILTER)
    assert await house.moderating.words(GetWords(), app) == WordsShown(())
    assert await house.moderating.words(PutWords(("bad", "worse")), app) == WordsShown(("bad", "worse"))
    assert (await house.moderating.verdict(submission("bad"), app)).label == "bad"
    async with opened(tmp_path) as again:
        assert (await again.moderating.verdict(submission("worse"), app)).label == "worse"
        assert await again.moderating.words(PutWords(()), app) == WordsShown(())
        assert await again.moderating.verdict(submission("worse"), app) is None


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (Content(Kind.TXT, {"text": "a"}), ["a"]),
        (Content(Kind.TIP, {"text": "a"}), ["a"]),
        (Content(Kind.IMG, {"url": "http://u", "filename": "f", "secret": "s", "width": 1}), ["f"]),
        (Content(Kind.VIDEO, {"url": "u", "thumbnail_url": "t", "filename": "f"}), ["f"]),
        (Content(Kind.LOC, {"latitude": 1, "longitude": 2, "address": "there"}), ["there"]),
        (Content(Kind.CMD, {"action": "run", "data": {"a": ["b", 1, {"c": "d"}]}}), ["run", "b", "d"]),
        (Content(Kind.CUSTOM, {"event": "e", "exts": {"k": "v"}}), ["e", "v"]),
        (Content(Kind.NOTICE, {"operation": "o", "data": "d"}), ["o", "d"]),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_everything_that_can_be_read_is_looked_at(content, texts):
    assert list(said(submission(content=content))) == texts


async def test_what_is_said_twice_is_looked_at_once(house):
    checker = Checker()
    content = Content(Kind.CUSTOM, {"event": "gift", "exts": {"to": "you"}})
    original = Original("easemob", "custom", {"customEvent": "gift", "v2:customExts": {"to": "you"}, "more": "else"})
    moderating = await moderating_of(house, checker)
    await moderating.verdict(submission(content=content, original=original), with_features(house, Feature.TEXT_CHECK))
    assert [matter.text for matter in checker.matters] == ["gift\nyou\nelse"]


def test_what_a_push_shows_is_looked_at():  # P6
    notification = Notification("alert", "title", {"ios": Override("for ios"), "android": Override()})
    assert list(said(submission("text", notification=notification))) == ["text", "title", "alert", "for ios"]


async def test_words_that_are_put_at_the_same_time_are_kept_as_they_hold(house):
    app = with_features(house, Feature.WORD_FILTER)
    lists = [tuple(f"word{number}" for number in range(count)) for count in (3000, 1, 2000, 2)]
    await asyncio.gather(*(house.moderating.words(PutWords(words), app) for words in lists))
    kept = (await house.moderating.words(GetWords(), app)).words
    assert kept in lists
    for number in (0, 1, 1999, 2999):
        verdict = await house.moderating.verdict(submission(f"word{number}"), app)
        assert (verdict is not None) == (number < len(kept))


def test_of_an_app_s_own_type_the_vendor_s_form_is_looked_at():
    custom = Content(Kind.CUSTOM, {"event": "app:gift"})
    for body, text in (("free text", "free text"), ({"content": "inside"}, "inside")):
        original = Original("rongcloud", "app:gift", body)
        assert text in list(said(submission(content=custom, original=original)))
