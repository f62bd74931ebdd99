import asyncio

import pytest

from builders import APP_UUID, OTHER_UUID, app, counted, submission
from houses import FILE_RULES, opened
from laba.model.calls import Accepted
from laba.model.content import Content, Kind
from laba.model.filecalls import Arrived, Conditions, FileGiven, FileKept, FileUnchanged, GetFile, Span, Upload
from laba.model.refusal import Code, Refusal
from laba.service.chatfiles import ChatFiles, FileRules, lacking

pytestmark = pytest.mark.anyio

UPLOAD = Upload("file")
WEEK_MS = 7 * 86_400_000
STRAY = "00000000-0000-4000-8000-000000000000"


class Parts:
    """A body that hands on its pieces, and then says what came of it."""

    def __init__(self, *pieces, filename="a.txt", outcome=None):
        self.pieces, self.filename, self.outcome = pieces, filename, outcome
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self.limits = []

    async def pour(self, part, limit_bytes, into):
        self.limits.append((part, limit_bytes))
        for piece in self.pieces:
            refusal = await into(piece)
            if refusal is not None:
                return refusal
        self.begun.set()
        await self.go_on.wait()
        return self.outcome or Arrived(self.filename, sum(map(len, self.pieces)))


async def kept(house, *pieces, upload=UPLOAD, **more):
    answer = await house.files.take(upload, house.app, Parts(*(pieces or (b"hello",)), **more))
    assert isinstance(answer, FileKept), answer
    return answer.file


async def given(house, call, of=None):
    """Fetch, and give what was answered with its bytes read."""
    answer = await house.files.give(call, of or house.app)
    if not isinstance(answer, FileGiven):
        return answer, None
    content = b""
    while answer.content is not None and (piece := await answer.content.read()):
        content += piece
    if answer.content is not None:
        await answer.content.close()
    return answer, content


def on_disk(tmp_path):
    return sorted(path.name for path in (tmp_path / "files").rglob("*") if path.is_file())


# --- in ------------------------------------------------------------------------------------------------------------


async def test_a_file_is_kept_as_it_came(house, tmp_path):  # E12
    """Its type is what its bytes say, its name what can be shown; it outlives a restart."""
    content = [b"\x89PNG", b"\r\n\x1a\n", b"x" * 5000]
    file = await kept(house, *content, filename="../b.html")
    assert (file.app_uuid, file.filename, file.media_type) == (APP_UUID, "b.html", "image/png")
    assert (file.size_bytes, file.restricted) == (5008, False)
    assert file.expires_at_ms == house.clock.now_ms + WEEK_MS
    answer, bytes_given = await given(house, GetFile(file.uuid))
    assert (answer.filename, answer.media_type, answer.size_bytes) == ("b.html", "image/png", 5008)
    assert bytes_given == b"".join(content)
    assert counted(house.meter, "laba_files_received_total") == 1
    async with opened(tmp_path) as again:
        assert (await given(again, GetFile(file.uuid)))[1] == b"".join(content)


async def test_every_file_has_a_name_and_a_secret_of_its_own(house):  # E12
    files = [await kept(house) for _ in range(20)]
    assert len({file.uuid for file in files}) == len({file.secret for file in files}) == 20
    assert all(len(file.secret) == 24 for file in files)


async def test_the_body_is_told_what_is_wanted_of_it(house):
    body = Parts(b"hello")
    await house.files.take(UPLOAD, house.app, body)
    assert body.limits == [("file", FILE_RULES.limit_bytes)]


async def test_what_the_body_refuses_leaves_nothing(house, tmp_path):  # E12
    refusal = Refusal(Code.BODY_BROKEN, "why")
    assert await house.files.take(UPLOAD, house.app, Parts(b"half", outcome=refusal)) == refusal
    assert on_disk(tmp_path) == []
    assert counted(house.meter, "laba_files_bytes") == 0


async def test_who_gives_up_leaves_nothing(house, tmp_path):  # E12
    body = Parts(b"half")
    body.go_on.clear()
    taking = asyncio.create_task(house.files.take(UPLOAD, house.app, body))
    await body.begun.wait()
    assert len(on_disk(tmp_path)) == 1
    taking.cancel()
    await asyncio.wait([taking])
    assert on_disk(tmp_path) == []
    assert counted(house.meter, "laba_files_bytes") == 0


async def test_without_a_record_there_is_no_file(house, tmp_path):  # E12
    """A store that fails takes the bytes with it."""

    class Full:
        async def add(self, file):
            raise OSError("full")

        async def bytes_held(self):
            return 0

    files = ChatFiles(house.disk, Full(), FILE_RULES, house.ground)
    await files.load()
    with pytest.raises(OSError, match="full"):
        await files.take(UPLOAD, house.app, Parts(b"hello"))
    assert on_disk(tmp_path) == []


async def test_more_than_may_come_at_once_are_told_so(house, tmp_path):  # E12
    bodies = [Parts(b"hello") for _ in range(4)]
    for body in bodies:
        body.go_on.clear()
    taking = [asyncio.create_task(house.files.take(UPLOAD, house.app, body)) for body in bodies]
    for body in bodies:
        await body.begun.wait()
    one_more = Parts(b"hello")
    answer = await house.files.take(UPLOAD, house.app, one_more)
    assert (answer.code, answer.retry_after_seconds, one_more.limits) == (Code.OVERLOADED, 1, [])
    for body in bodies:
        body.go_on.set()
    assert all(isinstance(answer, FileKept) for answer in await asyncio.gather(*taking))


async def test_all_files_together_are_bounded(tmp_path):  # E12
    """Those on their way in too, and what is there already counts after a restart; what fails takes no room."""
    rules = FileRules(limit_bytes=1000, keep_ms=WEEK_MS, total_limit_bytes=100)
    async with opened(tmp_path, file_rules=rules) as house:
        await kept(house, bytes(60))
        full = await house.files.take(UPLOAD, house.app, Parts(bytes(30), bytes(11)))
        assert full.code is Code.FILES_FULL
        await kept(house, bytes(30), bytes(9))
    async with opened(tmp_path, file_rules=rules) as house:
        assert (await house.files.take(UPLOAD, house.app, Parts(bytes(2)))).code is Code.FILES_FULL
        await kept(house, bytes(1))
        assert counted(house.meter, "laba_files_bytes") == 100


# --- out -----------------------------------------------------------------------------------------------------------


async def test_a_restricted_file_is_for_who_has_its_secret(house):  # E12
    file = await kept(house, upload=Upload("file", restricted=True))
    for secret in (None, "", "wrong", file.secret[:-1], file.secret + "x"):
        answer, content = await given(house, GetFile(file.uuid, secret))
        assert (answer.code, content) == (Code.FILE_SECRET_WRONG, None)
    assert (await given(house, GetFile(file.uuid, file.secret)))[1] == b"hello"


async def test_another_app_has_no_part_in_it(house):  # E12
    file = await kept(house)
    answer, _ = await given(house, GetFile(file.uuid, file.secret), app(OTHER_UUID, "org/other"))
    assert answer.code is Code.FILE_UNKNOWN


@pytest.mark.parametrize("uuid", ["", "..", "../laba.db", "\0", STRAY, STRAY + "\0", "{" + STRAY + "}", "x" * 10_000])
async def test_what_is_no_file_is_unknown(house, uuid):  # E12
    await kept(house)
    answer, _ = await given(house, GetFile(uuid))
    assert answer.code is Code.FILE_UNKNOWN


async def test_a_uuid_may_be_written_large(house):  # RFC 9562 section 4
    file = await kept(house)
    assert (await given(house, GetFile(file.uuid.upper())))[1] == b"hello"


async def test_what_somebody_removed_from_the_disk_is_unknown(house):
    file = await kept(house)
    await house.disk.remove(file.names)
    assert (await given(house, GetFile(file.uuid)))[0].code is Code.FILE_UNKNOWN


async def test_some_of_it_is_given(house):  # E12
    file = await kept(house, b"0123456789")
    call = GetFile(file.uuid, conditions=Conditions(bytes_wanted="bytes=2-4"))
    answer, content = await given(house, call)
    assert (answer.span, answer.size_bytes, content) == (Span(2, 3), 10, b"234")
    beyond = GetFile(file.uuid, conditions=Conditions(bytes_wanted="bytes=10-"))
    assert (await given(house, beyond))[0].code is Code.RANGE_UNSATISFIABLE


async def test_a_head_opens_nothing(house):  # E12
    file = await kept(house)
    answer, _ = await given(house, GetFile(file.uuid, content=False))
    assert (answer.size_bytes, answer.content) == (5, None)


async def test_who_has_it_gets_nothing_again(house):  # RFC 9110 section 13.1.2
    """But not who may not have it."""
    conditions = Conditions(none_match="*")
    file = await kept(house, upload=Upload("file", restricted=True))
    assert (await given(house, GetFile(file.uuid, file.secret, conditions=conditions)))[0] == FileUnchanged(file.uuid)
    assert (await given(house, GetFile(file.uuid, conditions=conditions)))[0].code is Code.FILE_SECRET_WRONG


async def test_more_than_may_go_at_once_are_told_so(house):  # E12
    file = await kept(house)
    answers = [await house.files.give(GetFile(file.uuid), house.app) for _ in range(5)]
    assert answers[4].code is Code.OVERLOADED
    for answer in answers[:4]:
        await answer.content.close()
    assert (await given(house, GetFile(file.uuid)))[1] == b"hello"


# --- gone ----------------------------------------------------------------------------------------------------------


async def test_a_file_expires_to_the_millisecond(house):  # E12
    """Whether it was swept yet or not; what is restricted tells not even that to who lacks the secret."""
    plain, secret = await kept(house), await kept(house, upload=Upload("file", restricted=True))
    house.clock.pass_ms(WEEK_MS - 1)
    assert (await given(house, GetFile(plain.uuid)))[1] == b"hello"
    house.clock.pass_ms(1)
    for _ in range(2):
        answer, _ = await given(house, GetFile(plain.uuid))
        assert (answer.code, answer.subject) == (Code.FILE_EXPIRED, plain.uuid)
        assert (await given(house, GetFile(secret.uuid)))[0].code is Code.FILE_SECRET_WRONG
        await house.files.sweep()


async def test_what_has_expired_is_swept(house, tmp_path):  # E12
    """Its bytes at once, its memory a month later; what is young stays."""
    old = [await kept(house, bytes(10)) for _ in range(250)]
    house.clock.pass_ms(WEEK_MS - 1)
    young = await kept(house, bytes(7))
    house.clock.pass_ms(1)
    await house.files.sweep()
    assert on_disk(tmp_path) == [young.uuid]
    assert counted(house.meter, "laba_files_bytes") == 7
    assert counted(house.meter, "laba_files_expired_total") == 250
    house.clock.pass_ms(30 * 86_400_000 + 1)
    await house.files.sweep()
    assert (await given(house, GetFile(old[0].uuid)))[0].code is Code.FILE_UNKNOWN
    assert (await given(house, GetFile(young.uuid)))[0].code is Code.FILE_EXPIRED


async def test_who_reads_while_it_is_swept_reads_to_the_end(house):  # E12
    file = await kept(house)
    answer = await house.files.give(GetFile(file.uuid), house.app)
    house.clock.pass_ms(WEEK_MS)
    await house.files.sweep()
    assert await answer.content.read() == b"hello"
    await answer.content.close()


async def test_without_a_time_files_stay(tmp_path):  # E12
    async with opened(tmp_path, file_rules=FileRules(1000, 0, 0)) as house:
        file = await kept(house)
        house.clock.pass_ms(10**13)
        await house.files.sweep()
        assert (await given(house, GetFile(file.uuid)))[1] == b"hello"


async def test_bytes_without_a_record_are_removed(house, tmp_path):  # E12
    """Not those of a file that is coming in just now."""
    file = await kept(house)
    async with house.disk.draft(STRAY) as draft:
        await draft.write(b"nobody's")
        await draft.keep()
    assert on_disk(tmp_path) == sorted([STRAY, file.uuid])
    await house.files.remove_strays()
    assert on_disk(tmp_path) == [file.uuid]


async def test_a_file_that_comes_in_meanwhile_is_no_stray(tmp_path):  # E12
    """Its bytes are kept, its record is being written."""
    async with opened(tmp_path) as house:

        class Slow:
            """Records whose writing waits."""

            def __init__(self, records):
                self.records = records
                self.asked, self.go_on = asyncio.Event(), asyncio.Event()

            def __getattr__(self, name):
                return getattr(self.records, name)

            async def add(self, file):
                self.asked.set()
                await self.go_on.wait()
                await self.records.add(file)

        slow = Slow(house.store.file_records)
        files = ChatFiles(house.disk, slow, FILE_RULES, house.ground)
        taking = asyncio.create_task(files.take(UPLOAD, house.app, Parts(b"hello")))
        await slow.asked.wait()
        await files.remove_strays()
        slow.go_on.set()
        file = (await taking).file
        assert (await given(house, GetFile(file.uuid)))[1] == b"hello"


async def test_sweeping_begins_at_once_and_outlives_a_failure(house, tmp_path):
    """A disk that fails now may work in a minute."""

    class Failing:
        async def names(self):
            raise OSError
            yield

        async def remove(self, names):
            raise OSError

    await kept(house)
    house.clock.pass_ms(WEEK_MS)
    files = ChatFiles(Failing(), house.store.file_records, FILE_RULES, house.ground)
    running = asyncio.create_task(files.run())
    async with asyncio.timeout(10):
        while counted(house.meter, "laba_store_failures_total") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert not running.done()
    running.cancel()


# --- what messages say of files ------------------------------------------------------------------------------------


def image(**fields):
    return Content(Kind.IMG, fields)


# E7
async def test_a_restricted_file_is_not_sent_without_its_secret(house):
    """In whatever form its address comes; the thumbnail's of a video too."""
    file = await kept(house, upload=Upload("file", restricted=True))
    for address in (
        f"https://im.example.com/org/app/chatfiles/{file.uuid}",
        f"http://[::1]:8080/app-id/1/chatfiles/{file.uuid.upper()}?a=b",
        f"/chatfiles/{file.uuid}#x",
        f"https://im.example.com/org/app/chatfiles/{file.uuid}/",
    ):
        for lacks in ({}, {"secret": ""}):
            refusal = await lacking(house.store.file_records, image(url=address, **lacks), house.app)
            assert (refusal.code, refusal.field) == (Code.FILE_SECRET_MISSING, "secret"), address
        assert await lacking(house.store.file_records, image(url=address, secret="s"), house.app) is None
        video = Content(Kind.VIDEO, {"url": "http://x/y", "thumbnail_url": address})
        refusal = await lacking(house.store.file_records, video, house.app)
        assert refusal.field == "thumbnail_secret"


# E7
async def test_other_files_need_no_secret(house):
    """Unrestricted ones, other apps', those that nobody knows, and whatever else a url may be."""
    plain, restricted = await kept(house), await kept(house, upload=Upload("file", restricted=True))
    base = "https://im.example.com/org/app/chatfiles"
    for address in (f"{base}/{plain.uuid}", f"{base}/{STRAY}", f"{base}/", f"{base}/{restricted.uuid}0", "x"):
        assert await lacking(house.store.file_records, image(url=address), house.app) is None
    other = app(OTHER_UUID, "org/other")
    assert await lacking(house.store.file_records, image(url=f"{base}/{restricted.uuid}"), other) is None


# E7
async def test_the_store_is_asked_only_about_files(house):
    class Nobody:
        async def find(self, uuid):
            raise AssertionError

    for content in (Content(Kind.TXT, {"text": f"/chatfiles/{STRAY}"}), image(url="https://cdn.example.com/a.png")):
        assert await lacking(Nobody(), content, house.app) is None


# E7
async def test_a_broadcast_that_lacks_a_secret_is_refused(house):
    """And takes nothing from the quota; with the secret it goes out."""
    file = await kept(house, upload=Upload("file", restricted=True))
    fields = {"url": f"http://h/org/app/chatfiles/{file.uuid}"}
    refusal = await house.intake.accept(submission(content=image(**fields)), house.app)
    assert refusal.code is Code.FILE_SECRET_MISSING
    assert await house.store.waiting(10) == ()
    whole = image(**fields, secret=file.secret)
    assert isinstance(await house.intake.accept(submission(content=whole), house.app), Accepted)
