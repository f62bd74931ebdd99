import pytest

from laba.model.chatfile import StoredFile, Thumbnail, is_uuid, plain_name

UUID = "331d42e6-ad85-460f-b6b0-d1fb6fef9f12"


def file(**rest):
    known = {
        "uuid": UUID,
        "app_uuid": "app-1",
        "filename": "a.txt",
        "media_type": "text/plain",
        "size_bytes": 5,
        "secret": "hidden",
        "restricted": True,
        "created_at_ms": 1,
    }
    return StoredFile(**known | rest)


# E12
@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("a.txt", "a.txt"),
        ("喇叭 1.png", "喇叭 1.png"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/absolute/a.txt", "a.txt"),
        ("C:\\Users\\ann\\a.txt", "a.txt"),
        ("a\0b\r\nc\x1b.txt", "abc.txt"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u2028b\ud800c", "abc"),
        (" .hidden. ", "hidden"),
        ("..", None),
        ("dir/", None),
        ("", None),
        (None, None),
        ("x" * 300, "x" * 255),
        ("喇" * 100, "喇" * 85),
    ],
)
def test_a_name_is_made_plain(said, name):
    """Nothing is left that leads to a folder, cannot be seen or is too long; a cut never halves a character."""
    assert plain_name(said) == name


@pytest.mark.parametrize(
    "text", ["", UUID.upper(), UUID[:-1], UUID + "0", UUID + "\n", UUID.replace("-", ""), "../x"]
)
def test_only_a_uuid_as_we_write_it_is_one(text):
    assert is_uuid(UUID)
    assert not is_uuid(text)


def test_a_file_is_valid_from_the_beginning():
    with pytest.raises(ValueError, match="uuid"):
        file(uuid="../laba.db")
    with pytest.raises(ValueError, match="secret"):
        file(secret="")


def test_a_secret_is_not_shown():
    """Whoever logs a file logs no secret."""
    assert "hidden" not in repr(file())


def test_a_file_expires_at_its_time():
    """Not a millisecond before; without a time it never does."""
    assert [file(expires_at_ms=100).is_expired(now) for now in (99, 100)] == [False, True]
    assert not file().is_expired(10**15)


def test_a_thumbnail_counts():
    """It is another file on the disk."""
    assert (file().names, file().bytes_held) == ((UUID,), 5)
    other = UUID.replace("3", "4")
    drawn = file(thumbnail=Thumbnail(other, 7))
    assert (drawn.names, drawn.bytes_held) == ((UUID, other), 12)
