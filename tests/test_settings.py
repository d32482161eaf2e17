"""What the line of settings says, by which make sees that a finished run had other data at hand."""

import zipfile

from nervekit.settings import Settings


def test_a_subject_that_came_since_runs_again_what_takes_the_brachial_set(tmp_path, monkeypatch):
    source, train = tmp_path / "04_unets.py", tmp_path / "kaggle" / "train"
    source.write_text('name = "brachial"\n')
    train.mkdir(parents=True)

    def at_hand(place=tmp_path / "kaggle"):
        monkeypatch.setenv("NERVEKIT_DATA", str(place))
        return Settings("workshop").line(source).split()[-1]

    for name in ("1_1", "1_2", "10_1", "._2_1"):
        (train / f"{name}_mask.tif").touch()
    assert at_hand() == "brachial=real,2"
    (train / "2_1_mask.tif").touch()
    assert at_hand() == "brachial=real,3"
    with zipfile.ZipFile(tmp_path / "brachial.zip", "w") as archive:
        archive.writestr("train/1_1_mask.tif", b"")
    assert at_hand(tmp_path / "brachial.zip") == "brachial=real"
