"""The script around the samples."""

import pytest

from make_sample import main


def test_writes_where_it_is_told_and_says_what(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "new"), "--documents", "60", "--archives", "2", "--seed", "5"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0][-9:] for line in said[:2]] == ["0.tar.zst", "1.tar.zst"]
    assert "2 pairs of twins" in said[2] and str(tmp_path / "new" / "truth.json") in said[2]
    assert (tmp_path / "new" / "truth.json").is_file()


@pytest.mark.parametrize("arguments", [["--documents", "49"], ["--documents", "60", "--archives", "0"], []])
def test_too_few_is_wrong_usage(tmp_path, arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        main(["--out", str(tmp_path), *arguments])
    assert raised.value.code == 2
    assert "at least" in capsys.readouterr().err or not arguments
