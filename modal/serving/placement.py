"""Where a model is to be, and how exactly it is to calculate."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .settings import ServingSettings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Placement:
    """A device, and the numbers that are used there."""

    device: torch.device
    dtype: torch.dtype


def placement_of(settings: ServingSettings) -> Placement:
    """What the settings want on this machine."""
    if settings.device == "auto":
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    else:
        device = torch.device(settings.device)
    # CPUs are slow in bfloat16.
    usual = torch.bfloat16 if device.type == "cuda" else torch.float32
    return Placement(device, DTYPES.get(settings.dtype, usual))


def waiting_placement(settings: ServingSettings) -> Placement:
    """In memory, as a GPU will want it: for a snapshot that is taken where no GPU is."""
    return Placement(torch.device("cpu"), DTYPES.get(settings.dtype, torch.bfloat16))
