from click.testing import CliRunner

from laba.cli import main


def test_wrong_settings_are_told_before_anything_starts(tmp_path):
    result = CliRunner().invoke(main, ["serve", "--port", "70000", "--data", str(tmp_path / "data")])
    assert result.exit_code == 1
    assert result.stderr == "Error: server.port (from --port): 70000 is not between 0 and 65535\n"
    assert not (tmp_path / "data").exists()
