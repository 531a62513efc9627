from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import pairwise

import pytest
from PIL import Image

from serving.frames import FrameLimits, NoFrameDecodable, choose, decode, decode_frames

LIMITS = FrameLimits(max_frames=3, max_edge=64, max_pixels=1_000_000, max_bytes=100_000)
ORIENTATION = 0x0112
TURNED_RIGHT = 6


@pytest.mark.parametrize("count", range(30))
@pytest.mark.parametrize("most", [1, 2, 3, 6])
def test_choose_spreads_evenly_and_keeps_the_newest(count: int, most: int) -> None:
    chosen = choose(count, most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert chosen[-1:] == ([count - 1] if count else [])
    gaps = [later - earlier for earlier, later in pairwise(chosen)]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_decode_frames_shows_the_chosen_in_order(pool: ThreadPoolExecutor) -> None:
    frames = [_png(shade) for shade in range(10)]
    shades = [picture.getpixel((0, 0))[0] for picture in decode_frames(frames, LIMITS, pool)]
    assert shades == choose(10, 3)


def test_decode_frames_replaces_what_is_broken(pool: ThreadPoolExecutor) -> None:
    frames = [_png(shade) for shade in range(6)]
    frames[5] = frames[5][:-30]
    frames[0] = b"no picture"
    shades = [picture.getpixel((0, 0))[0] for picture in decode_frames(frames, LIMITS, pool)]
    assert shades == [1, 2, 4] or shades == [1, 3, 4]


def test_decode_frames_decodes_no_more_than_it_shows(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def counting(frame: bytes, limits: FrameLimits) -> Image.Image | None:
        seen.append(frame)
        return decode(frame, limits)

    monkeypatch.setattr("serving.frames.decode", counting)
    decode_frames([_png(shade) for shade in range(100)], LIMITS, pool)
    assert len(seen) == LIMITS.max_frames


def test_decode_frames_fails_when_none_is_a_picture_m2(pool: ThreadPoolExecutor) -> None:
    with pytest.raises(NoFrameDecodable, match="2 frames"):
        decode_frames([b"", b"\xff\xd8\xff nonsense"], LIMITS, pool)


def test_decode_bounds_the_longer_edge(picture: Callable[..., Image.Image]) -> None:
    small = decode(_encoded(picture(1, 300, 150)), LIMITS)
    assert small is not None
    assert small.size == (64, 32)
    kept = decode(_encoded(picture(1, 20, 10)), LIMITS)
    assert kept is not None
    assert kept.size == (20, 10), "small pictures stay as they are"


def test_decode_turns_pictures_upright() -> None:
    lying = Image.new("RGB", (40, 20), "black")
    lying.paste("white", (0, 0, 20, 20))  # the left half, which is the upper one once it stands
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_RIGHT
    upright = decode(_encoded(lying, exif=exif), LIMITS)
    assert upright is not None
    assert upright.size == (20, 40)
    assert upright.getpixel((10, 5))[0] > 200
    assert upright.getpixel((10, 35))[0] < 50


def test_decode_refuses_a_bomb_by_its_header() -> None:
    assert decode(_png_that_claims(20_000, 20_000), LIMITS) is None


def test_decode_refuses_what_pillow_alone_would_unpack() -> None:
    frame = _encoded(Image.new("RGB", (1_200, 1_000)), "PNG")
    assert len(frame) < LIMITS.max_bytes
    assert decode(frame, LIMITS) is None


def test_decode_refuses_too_many_bytes_and_other_formats() -> None:
    frame = _png(1)
    assert decode(frame + b"\0" * LIMITS.max_bytes, LIMITS) is None
    assert decode(_encoded(Image.new("RGB", (8, 8)), "BMP"), LIMITS) is None


def test_decode_gives_rgb_whatever_came() -> None:
    for mode in ("L", "RGBA", "P", "1"):
        picture = decode(_encoded(Image.new(mode, (8, 8)), "PNG"), LIMITS)
        assert picture is not None
        assert picture.mode == "RGB"


def _png(shade: int) -> bytes:
    return _encoded(Image.new("RGB", (8, 8), (shade, shade, shade)), "PNG")


def _encoded(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    target = BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def _png_that_claims(width: int, height: int) -> bytes:
    """A PNG of one row that says it is huge."""
    whole = _encoded(Image.new("RGB", (8, 1)), "PNG")
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(header))
    return whole[:12] + header + checksum + whole[33:]
