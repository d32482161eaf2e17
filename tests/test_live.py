"""The live loop: every frame once and in order, its outline on the border of its mask, its area told."""

import io
import re
import sys

import numpy as np
import pytest
from PIL import Image

from nervekit import live
from nervekit.errors import DataError

ORANGE = (213, 94, 0)  # Okabe and Ito's vermillion


@pytest.fixture
def cine():
    """Six frames in whose brightest pixels the region is; it grows by a column a frame."""
    frames = np.full((6, 16, 24, 1), 20, np.uint8)
    for place, frame in enumerate(frames):
        frame[4:8, 2 : 6 + place] = 200
    return frames


def bright(images):
    return images[..., 0] / 255


def test_the_outline_is_the_border_of_the_mask_and_the_rest_of_the_picture_stays():
    mask = np.array([list(row) for row in (".....", ".###.", ".###.", ".###.", ".....")]) == "#"
    border = np.array([list(row) for row in (".....", ".###.", ".#.#.", ".###.", ".....")]) == "#"
    picture = live.outlined(np.full((5, 5, 1), 90, np.uint8), mask)
    assert (picture[border] == ORANGE).all() and (picture[~border] == 90).all()


def test_a_region_at_the_edge_of_the_picture_is_closed_there_and_an_empty_mask_draws_nothing():
    frame = np.zeros((5, 5, 1), np.uint8)
    coloured = live.outlined(frame, np.ones((5, 5), bool)).any(axis=-1)
    assert coloured.sum() == 16 and not coloured[1:-1, 1:-1].any()
    assert not live.outlined(frame, np.zeros((5, 5), bool)).any()


def test_the_outline_of_a_large_picture_is_wider_and_stays_in_the_mask():
    mask = np.zeros((256, 256), bool)
    mask[100:150, 60:90] = True
    coloured = live.outlined(np.zeros((256, 256, 1), np.uint8), mask).any(axis=-1)
    assert coloured.sum() == 50 * 30 - 46 * 26 and not (coloured & ~mask).any()


def test_a_picture_in_colours_keeps_them_inside_the_outline():
    frame = np.zeros((5, 5, 3), np.uint8) + np.array([10, 20, 30], np.uint8)
    picture = live.outlined(frame, np.ones((5, 5), bool))
    assert (picture[2, 2] == (10, 20, 30)).all() and (picture[0] == ORANGE).all() and (frame == (10, 20, 30)).all()


def test_every_frame_is_answered_once_in_order_and_shown_with_its_area(cine):
    asked, texts = [], []

    def answer(images):
        asked.append(images)
        return bright(images)

    masks, seconds = live.loop(cine, answer, lambda picture, text: texts.append(text))
    assert all(images.shape == (1, 16, 24, 1) for images in asked)
    assert np.array_equal(np.concatenate(asked), cine) and seconds.shape == (6, 2)
    assert np.array_equal(masks, cine[..., 0] == 200)
    told = [tuple(map(int, re.findall(r"\d+", text))) for text in texts]
    assert told == [(number, 6, 4 * (3 + number)) for number in range(1, 7)]


def test_a_cine_of_no_frames_is_refused(cine):
    with pytest.raises(DataError, match="frames hold no image: expected at least one"):
        live.loop(cine[:0], bright, lambda picture, text: None)


def test_the_picture_is_the_frame_with_its_outline(cine):
    pictures = []
    live.loop(cine[:1], bright, lambda picture, text: pictures.append(picture))
    with Image.open(io.BytesIO(pictures[0])) as opened:
        shown = np.asarray(opened).astype(int)
    assert opened.format == "JPEG" and shown.shape == (16, 24, 3)
    assert np.abs(shown[12:, 16:] - 20).max() < 12  # away from the outline: as the frame, but for JPEG's loss
    redder = shown[..., 0] - shown[..., 2] > 80
    assert redder[4, 2:6].all() and redder[7, 2:6].all() and not redder[:3].any() and not redder[9:].any()


def test_the_widgets_end_at_the_last_frame_and_the_button_plays_again(cine, monkeypatch):
    pytest.importorskip("ipywidgets")
    shown, asked = [], []
    monkeypatch.setattr("IPython.display.display", shown.append)

    def answer(images):
        asked.append(images)
        return bright(images)

    live.play(cine, answer)
    ((image, label, button),) = (box.children for box in shown)
    assert bytes(image.value).startswith(b"\xff\xd8") and image.format == "jpeg"
    assert label.value == "frame 6 of 6, area 36 pixels"
    image.value, label.value = b"", ""
    button.click()
    assert len(asked) == 12 and bytes(image.value).startswith(b"\xff\xd8")
    assert label.value == "frame 6 of 6, area 36 pixels"


def test_without_ipywidgets_the_frames_are_answered_all_the_same(cine, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    masks, _ = live.play(cine, bright)
    assert np.array_equal(masks, cine[..., 0] == 200)
    assert "not installed" in capsys.readouterr().out
