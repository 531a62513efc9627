from __future__ import annotations

from dataclasses import fields

import pytest

from gemma3.settings import Settings as Gemma3Settings
from serving.knobs import SettingsError
from serving.settings import ServingSettings
from streaming.settings import Settings, read_settings


def test_nothing_set_gives_the_defaults() -> None:
    assert read_settings({}) == Settings()
    assert (Settings().model_id, Settings().gpu) == ("mit-han-lab/StreamingVLM", "A100-80GB")


def test_each_class_reads_its_own_prefix_alone() -> None:
    environment = {"STREAMINGVLM_GPU": "H100", "GEMMA3_GPU": "L4", "GEMMA3_MAX_BATCH": "2"}
    assert read_settings(environment) == Settings(gpu="H100")


def test_what_both_classes_have_is_declared_once_and_kept_apart() -> None:
    shared = {field.name for field in fields(ServingSettings)}
    for settings in (Settings, Gemma3Settings):
        assert shared <= {field.name for field in fields(settings)}
    assert Settings().volume_name != Gemma3Settings().volume_name


@pytest.mark.parametrize(
    ("name", "value", "must_be"),
    [
        ("STREAMINGVLM_MAX_SESSIONS", "-1", "a whole number from 0 to 10000"),
        ("STREAMINGVLM_MAX_GAP_SECONDS", "soon", "a number from 0 to 60"),
        ("STREAMINGVLM_SESSION_IDLE_SECONDS", "0", "a number from 1 to 86400"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_with_name_rule_and_value(
    name: str, value: str, must_be: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({name: value})
    text = str(raised.value)
    assert text == f"Cannot start as {name} must be {must_be}: current value is {value!r}"


@pytest.mark.parametrize(
    ("named", "environment"),
    [
        ("STREAMINGVLM_TARGET_INPUTS", {"STREAMINGVLM_TARGET_INPUTS": "9"}),
        ("STREAMINGVLM_MAX_SESSION_TOKENS", {"STREAMINGVLM_MAX_KEPT_TOKENS": "1000"}),
    ],
)
def test_what_contradicts_itself_is_refused(named: str, environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=rf"{named} must be at most .*: current value is \d+$"):
        read_settings(environment)
