from __future__ import annotations

import pytest

from gemma3.settings import PREFIX, Settings, read_settings
from serving.knobs import SettingsError, given


def test_nothing_set_gives_the_defaults() -> None:
    assert read_settings({}) == Settings()
    assert (Settings().gpu, Settings().min_containers) == ("L40S", 0)
    assert Settings().scaledown_window_seconds == 300


def test_what_is_set_is_read_and_what_is_empty_is_unset() -> None:
    environment = {
        "GEMMA3_MAX_BATCH": " 4 ",
        "GEMMA3_TEMPERATURE": "0.5",
        "GEMMA3_GPU_SNAPSHOT": "off",
        "GEMMA3_MODEL_ID": "",
        "PATH": "/bin",
    }
    settings = read_settings(environment)
    assert (settings.max_batch, settings.temperature, settings.gpu_snapshot) == (4, 0.5, False)
    assert settings.model_id == Settings().model_id


@pytest.mark.parametrize(
    ("name", "value", "must_be"),
    [
        ("GEMMA3_MAX_BATCH", "many", "a whole number from 1 to 256"),
        ("GEMMA3_MAX_BATCH", "0", "a whole number from 1 to 256"),
        ("GEMMA3_MAX_BATCH", "4.5", "a whole number from 1 to 256"),
        ("GEMMA3_TEMPERATURE", "nan", "a number from 0 to 2"),
        ("GEMMA3_TEMPERATURE", "-1", "a number from 0 to 2"),
        ("GEMMA3_DEVICE", "tpu", "one of auto, cpu, cuda"),
        ("GEMMA3_GPU_SNAPSHOT", "true", "on or off"),
        ("GEMMA3_GPU", "L40S\nA100", "printable text of at most 200 characters"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_with_name_rule_and_value(
    name: str, value: str, must_be: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({name: value})
    text = str(raised.value)
    assert text == f"Cannot start as {name} must be {must_be}: current value is {value!r}"


def test_a_misspelt_name_is_refused_with_the_right_one() -> None:
    with pytest.raises(SettingsError, match=r"MAX_BATCHES .*\(did you mean GEMMA3_MAX_BATCH\?\)"):
        read_settings({"GEMMA3_MAX_BATCHES": "3"})


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(SettingsError, match="GEMMA3_TARGET_INPUTS"):
        read_settings({"GEMMA3_TARGET_INPUTS": "9", "GEMMA3_CONCURRENT_INPUTS": "8"})


def test_given_hands_on_only_what_is_ours_and_set() -> None:
    environment = {"GEMMA3_GPU": "H100", "GEMMA3_DEVICE": " ", "HF_TOKEN": "secret"}
    assert given(PREFIX, environment) == {"GEMMA3_GPU": "H100"}
