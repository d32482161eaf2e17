"""``nervekit phantom KEY FOLDER`` writes a simulated set, and says in one line what is wrong."""

import pytest

from nervekit import cli, phantom


def test_command_writes_what_export_writes(tmp_path, capsys, files_of):
    told = ["phantom", "median", str(tmp_path / "one"), "--subjects", "1", "--seed", "5"]
    assert cli.main(told) == 0
    assert files_of(tmp_path / "one") == files_of(phantom.export("median", tmp_path / "two", subjects=1, seed=5))
    printed = capsys.readouterr().out
    assert str(tmp_path / "one") in printed
    assert "simulated" in printed
    assert cli.main(told) == 0


@pytest.mark.parametrize(
    "told", [["knee", "new"], ["median", "new", "--subjects", "0"], ["median", "new", "--seed", "-1"], ["median", "thesis"]]
)
def test_wrong_use_is_told_and_nothing_written(told, tmp_path, capsys, files_of):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("keep me")
    assert cli.main(["phantom", told[0], str(tmp_path / told[1]), *told[2:]]) == 2
    assert capsys.readouterr().err.startswith("nervekit: ")
    assert files_of(tmp_path) == {"thesis/thesis.txt": b"keep me"}


@pytest.mark.parametrize("key", sorted(phantom.SUBJECTS))
def test_every_set_has_a_scene_and_a_picture(key):
    maps = phantom.scene(key, 1, 2, shape=(64, 64))
    assert maps["mask"].shape == (64, 64)
    picture, mask = phantom.screenshot(key, 1, 2)
    assert picture.size == mask.size
