"""What Modal's own SDK makes of the app file."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import modal

import gemma3_vlm_app
from gemma3.session import Gemma3Session
from gemma3.settings import Settings

MODAL_FOLDER = Path(gemma3_vlm_app.__file__).parent


def test_import_modal_finds_the_sdk_beside_our_folder() -> None:
    assert not (MODAL_FOLDER / "__init__.py").exists()
    imported = subprocess.run(
        [sys.executable, "-c", "import modal; print(modal.__version__)"],
        cwd=MODAL_FOLDER.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert imported.stdout.strip() == modal.__version__


def test_the_app_has_its_name_and_the_class_its_methods() -> None:
    assert gemma3_vlm_app.app.name == "foresight-gemma3-vlm"
    session = gemma3_vlm_app.Gemma3VLMSession
    assert isinstance(session, modal.Cls)
    methods = set(session._get_method_names())
    assert methods == {"infer_chunk", "answer", "generate", "close"}


def test_infer_chunk_has_the_signature_of_the_contract_m1() -> None:
    parameters = list(inspect.signature(Gemma3Session.infer_chunk).parameters.values())[1:]
    required = [one.name for one in parameters if one.default is inspect.Parameter.empty]
    assert required == ["frames", "start_ts_s", "end_ts_s", "prompt"]
    assert [one.name for one in parameters[4:]] == ["history", "session_id", "questions"]


def test_the_options_follow_the_settings() -> None:
    usual = gemma3_vlm_app.class_options(Settings())
    assert (usual["gpu"], usual["min_containers"], usual["scaledown_window"]) == ("L40S", 0, 300)
    assert usual["max_containers"] is None
    assert usual["enable_memory_snapshot"] is True
    assert usual["experimental_options"] == {"enable_gpu_snapshot": True}
    assert usual["secrets"] == []
    other = gemma3_vlm_app.class_options(
        Settings(gpu="H100", hf_secret_name="hf", gpu_snapshot=False, max_containers=3)
    )
    assert (other["gpu"], other["max_containers"]) == ("H100", 3)
    assert other["experimental_options"] == {}
    assert len(other["secrets"]) == 1


def test_a_setting_that_cannot_be_used_stops_the_deploy() -> None:
    run = subprocess.run(
        [sys.executable, str(MODAL_FOLDER / "gemma3_vlm_app.py")],
        env={**os.environ, "GEMMA3_MAX_BATCH": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "GEMMA3_MAX_BATCH must be a whole number" in run.stderr
