import tomllib

from click.testing import CliRunner

from laba.cli import main


def test_a_right_configuration_ends_with_0(tmp_path):
    path = tmp_path / "laba.toml"
    path.write_text("[server]\nport = 9000\n")
    result = CliRunner().invoke(main, ["check-config", "--config", str(path)])
    assert (result.exit_code, result.stdout) == (0, "The settings are right.\n")


def test_every_fault_is_named_and_the_command_ends_with_1(tmp_path):
    """One run tells the operator all there is to mend, wherever it stands."""
    path = tmp_path / "laba.toml"
    path.write_text("[server]\nprot = 9000\n")
    result = CliRunner().invoke(main, ["check-config", "--config", str(path)], env={"LABA_LOG__LEVEL": "loud"})
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Error: server.prot (from {path}): there is no such key; did you mean port?",
        "log.level (from LABA_LOG__LEVEL): 'loud' is none of debug, info, warning, error",
    ]


def test_the_default_configuration_can_be_used_as_it_is(tmp_path):
    result = CliRunner().invoke(main, ["default-config"])
    path = tmp_path / "laba.toml"
    path.write_text(result.stdout)
    assert tomllib.loads(result.stdout)["server"]["port"] == 8080
    assert CliRunner().invoke(main, ["check-config", "--config", str(path)]).exit_code == 0
