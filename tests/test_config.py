import dataclasses
import tomllib

import pytest

from laba import config
from laba.config import Fault, Server, Settings


def test_without_anything_every_setting_has_its_default():
    """Nothing said, nothing changed."""
    assert config.load(None, {}) == Settings()


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path):
    """The one nearest to the operator wins."""
    path = tmp_path / "laba.toml"
    path.write_text('[server]\nport = 1001\nbacklog = 11\nhost = "127.0.0.1"\n')
    environ = {"LABA_SERVER__PORT": "1002", "LABA_SERVER__BACKLOG": "12"}
    loaded = config.load(path, environ, {"server.port": 1003})
    assert isinstance(loaded, Settings)
    assert (loaded.server.port, loaded.server.backlog, loaded.server.host) == (1003, 12, "127.0.0.1")


def test_every_fault_is_told_at_once(tmp_path):
    """A file with five faults and an environment with two need one run, not seven."""
    path = tmp_path / "laba.toml"
    path.write_text(
        "server_port = 1\n"
        '[gatway]\nping_seconds = 1\n[server]\nprot = 1\nport = "8080"\nbacklog = true\n[log]\nlevel = "loud"\n'
    )
    faults = config.load(path, {"LABA_GATEWAY__PING_SECONDS": "soon"}, {"server.port": 99999})
    assert isinstance(faults, tuple)
    assert [(fault.where, fault.source) for fault in faults] == [
        ("server_port", str(path)),
        ("gatway", str(path)),
        ("server.prot", str(path)),
        ("server.port", str(path)),
        ("server.backlog", str(path)),
        ("log.level", str(path)),
        ("gateway.ping_seconds", "LABA_GATEWAY__PING_SECONDS"),
        ("server.port", "--port"),
    ]


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"LABA_SERVER__PROT": "1"}, "there is no such key; did you mean port?"),
        ({"LABA_SEVER__PORT": "1"}, "there is no such section; did you mean server?"),
        ({"LABA_SERVER__PORT": "65536"}, "65536 is not between 0 and 65535"),
        ({"LABA_SERVER__PORT": "80.5"}, "'80.5' is not a whole number"),
        ({"LABA_SERVER__PORT": ""}, "'' is not a whole number"),
        ({"LABA_TOKENS__REGISTER_ON_LOGIN": "perhaps"}, "'perhaps' is not true or false"),
        ({"LABA_LOG__FORMAT": "xml"}, "'xml' is none of auto, text, json"),
        (
            {"LABA_SERVER__PUBLIC_URL": "laba.example/"},
            "'laba.example/' will not do: write https://HOST[:PORT][/PATH] without a slash at its end",
        ),
        ({"LABA_SERVER__DATA_DIR": ""}, "'' will not do: name a folder"),
    ],
)
def test_a_fault_says_what_is_wrong(environ, sentence):
    """One sentence, and the name of the variable that is at fault."""
    [(name, _)] = environ.items()
    faults = config.load(None, environ)
    assert [(fault.source, fault.sentence) for fault in faults] == [(name, sentence)]


def test_a_fault_reads_as_one_line():
    assert str(Fault("server.port", "--port", "0 is odd")) == "server.port (from --port): 0 is odd"


@pytest.mark.parametrize(("word", "value"), [("true", True), ("OFF", False), ("1", True), ("0", False)])
def test_the_environment_writes_truth_in_several_words(word, value):
    loaded = config.load(None, {"LABA_TOKENS__REGISTER_ON_LOGIN": word})
    assert isinstance(loaded, Settings)
    assert loaded.tokens.register_on_login is value


def test_variables_without_a_section_are_somebody_elses():
    """Kubernetes sets LABA_PORT=tcp://... for a service called laba."""
    assert config.load(None, {"LABA_PORT": "tcp://10.0.0.1:8080", "OTHER__PORT": "1"}) == Settings()


def test_a_broken_file_is_told_with_its_line(tmp_path):
    path = tmp_path / "laba.toml"
    path.write_text("[server]\nport = = 1\n")
    [fault] = config.load(path, {})
    assert fault.source == str(path)
    assert "line 2" in fault.sentence


def test_a_file_that_cannot_be_read_is_a_fault_beside_the_others(tmp_path):
    faults = config.load(tmp_path / "none.toml", {"LABA_SERVER__PORT": "x"})
    assert [fault.where for fault in faults] == ["the file", "server.port"]
    assert faults[0].sentence == "cannot be read: No such file or directory"


def test_a_file_that_is_no_text_is_a_fault(tmp_path):
    path = tmp_path / "laba.toml"
    path.write_bytes(b"[server]\n\xff")
    [fault] = config.load(path, {})
    assert fault.sentence == "is not UTF-8 at byte 9"


def test_a_section_out_of_bounds_cannot_be_made():
    with pytest.raises(ValueError, match="port: 65536 is not between 0 and 65535"):
        Server(port=65536)


def test_the_default_file_says_exactly_the_defaults(tmp_path):
    """What `laba default-config` prints changes nothing when it is used as it is."""
    path = tmp_path / "laba.toml"
    path.write_text(config.default_config())
    assert config.load(path, {}) == Settings()
    assert tomllib.loads(config.default_config()).keys() == {field.name for field in dataclasses.fields(Settings)}


def test_every_key_is_explained_in_the_default_file():
    """Each assignment stands under a comment of its own."""
    lines = config.default_config().splitlines()
    assignments = [index for index, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(assignments) == len(_keys())
    assert all(lines[index - 1].startswith("# ") and len(lines[index - 1]) > 10 for index in assignments)


def test_the_reference_has_a_row_for_every_key():
    reference = config.reference()
    for section, key in _keys():
        assert f"| `{section}.{key}` | `LABA_{section.upper()}__{key.upper()}` |" in reference


def _keys():
    return [
        (section.name, key.name)
        for section in dataclasses.fields(Settings)
        for key in dataclasses.fields(section.type)
    ]


def test_a_secret_is_never_shown(tmp_path):
    """Neither where it will not do, nor where it is of another type, nor with the settings that hold it."""
    file = tmp_path / "laba.toml"
    for text in ("'two words'", "12345678"):
        file.write_text(f"[moderation]\nsecret_key = {text}\n")
        (fault,) = config.load(file, {})
        assert fault.where == "moderation.secret_key"
        assert text.strip("'") not in str(fault)
    file.write_text("[moderation]\nsecret_key = 'hidden'\n")
    settings = config.load(file, {})
    assert settings.moderation.secret_key == "hidden"
    assert "hidden" not in repr(settings)
