import pytest

from builders import submission
from laba.model.calls import Accepted, Posted
from laba.model.filecalls import Upload
from laba.model.refusal import Code
from laba.service.sending import Sending
from service.test_chatfiles import image, kept
from service.test_posting import made, to

pytestmark = pytest.mark.anyio


@pytest.fixture
def sending(house):
    return Sending(house.intake, house.posting, house.store.file_records)


async def test_each_submission_takes_the_way_of_its_audience(house, sending):
    """What is for named rooms passes, and everything else is kept (design.md section 8)."""
    await made(house, "r1")
    assert isinstance(await sending.accept(to("r1"), house.app), Posted)
    assert await house.store.waiting(10) == ()
    assert isinstance(await sending.accept(submission(), house.app), Accepted)
    assert len(await house.store.waiting(10)) == 1


async def test_a_message_to_rooms_that_lacks_a_secret_is_refused(house, sending):
    """From a caller and from a client; with the secret it goes out."""  # E7
    await made(house, "r1")
    file = await kept(house, upload=Upload("file", restricted=True))
    fields = {"url": f"http://h/org/app/chatfiles/{file.uuid}"}
    lacking = to("r1", content=image(**fields))
    assert (await sending.accept(lacking, house.app)).code is Code.FILE_SECRET_MISSING
    assert (await sending.say(lacking, house.app, "ann")).code is Code.FILE_SECRET_MISSING
    assert house.lanes.messages == []
    whole = to("r1", content=image(**fields, secret=file.secret))
    assert isinstance(await sending.accept(whole, house.app), Posted)
    assert (await sending.say(whole, house.app, "ann")).code is Code.NOT_A_MEMBER
