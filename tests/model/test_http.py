import pytest

from laba.model.http import RequestHead


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        (" text/plain ;q=1", "text/plain"),
        ("", ""),
    ],
)
def test_the_media_type_is_the_content_type_without_its_parameters(header, media_type):
    """In lower case, whatever the caller writes."""  # A10
    assert RequestHead("POST", "/", headers={"content-type": header}).media_type == media_type


def test_a_request_that_does_not_say_has_no_media_type():
    """Which no endpoint with a body accepts."""  # A10
    assert RequestHead("POST", "/").media_type == ""


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Bearer", ""),
        ("Basic abc", ""),
        ("abc", ""),
        ("Bearer a b", ""),
        ("", ""),
    ],
)
def test_a_bearer_token_is_what_the_header_says(header, token):
    """None where there is no header at all: a missing proof is another fault than a broken one."""  # A10
    headers = {} if header is None else {"authorization": header}
    assert RequestHead("POST", "/", headers=headers).bearer == token
