"""From a chunk's bytes to the few pictures that the model is shown.

Frames come from phones over the network: each may be truncated, turned, huge, or no picture at all.
What cannot be decoded is skipped, and its neighbour takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps

from .settings import ServingSettings

FORMATS = ("JPEG", "PNG", "WEBP")


class NoFrameDecodable(ValueError):
    """Frames came, and none of them is a picture (WIRE M2)."""


@dataclass(frozen=True)
class FrameLimits:
    """What a frame may be, and how many are shown."""

    max_frames: int
    max_edge: int
    """Pixels of the longer edge after decoding."""
    max_pixels: int
    """Pixels that a picture may claim before it is decoded."""
    max_bytes: int
    max_aspect: float = math.inf
    """How many times longer one edge may be than the other."""


def limits_of(settings: ServingSettings, max_aspect: float = math.inf) -> FrameLimits:
    """What the settings say of frames; the aspect is a matter of the model."""
    return FrameLimits(
        max_frames=settings.max_frames_per_chunk,
        max_edge=settings.max_frame_edge,
        max_pixels=settings.max_frame_pixels,
        max_bytes=settings.max_frame_bytes,
        max_aspect=max_aspect,
    )


def choose(count: int, most: int) -> list[int]:
    """Indices of at most ``most`` of ``count`` frames: evenly spread, the newest among them."""
    if count <= most:
        return list(range(count))
    if most == 1:
        return [count - 1]
    step = (count - 1) / (most - 1)
    return [round(index * step) for index in range(most)]


def decode_frames(
    frames: Sequence[bytes], limits: FrameLimits, pool: Executor
) -> list[Image.Image]:
    """Decodes at most ``max_frames`` of the frames, in parallel, oldest first, as RGB.

    Only chosen frames are decoded. When one is no picture the choice is made again among the
    others, so a chunk with a few broken frames still shows as many as it may.

    Raises:
        NoFrameDecodable: no frame is a picture.
    """
    candidates = list(range(len(frames)))
    pictures: dict[int, Image.Image] = {}
    while candidates:
        chosen = [candidates[index] for index in choose(len(candidates), limits.max_frames)]
        fresh = [index for index in chosen if index not in pictures]
        decoded = pool.map(lambda index: decode(frames[index], limits), fresh)
        broken = set()
        for index, picture in zip(fresh, decoded, strict=True):
            if picture is None:
                broken.add(index)
            else:
                pictures[index] = picture
        if not broken:
            return [pictures[index] for index in chosen]
        candidates = [index for index in candidates if index not in broken]
    raise NoFrameDecodable(
        f"Cannot describe the chunk as a frame must be a {', '.join(FORMATS)} picture of at most "
        f"{limits.max_pixels} pixels: current value is {len(frames)} frames, none of them so"
    )


def decode(frame: bytes, limits: FrameLimits) -> Image.Image | None:
    """One frame as RGB, upright, its longer edge at most ``max_edge``; None if it is no picture."""
    if not 0 < len(frame) <= limits.max_bytes:
        return None
    try:
        with Image.open(BytesIO(frame), formats=FORMATS) as picture:
            width, height = picture.size
            # The header says how large it is: a bomb is refused before a pixel is unpacked.
            if width * height > limits.max_pixels:
                return None
            # JPEG can be unpacked at a fraction of its size; other formats ignore this.
            picture.draft("RGB", (limits.max_edge, limits.max_edge))
            picture.thumbnail((limits.max_edge, limits.max_edge), Image.Resampling.BICUBIC)
            if max(picture.size) > limits.max_aspect * min(picture.size):
                return None
            return ImageOps.exif_transpose(picture).convert("RGB")
    except Exception:  # hostile bytes make Pillow raise nearly anything; all of it means the same
        return None
