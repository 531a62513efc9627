"""What Modal's own SDK makes of the app file."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import modal
import pytest
from modal_proto import api_pb2

import gemma3_vlm_app
import streaming_vlm_app
from deploying import MODAL_FOLDER, deploy, modules_of, mounted
from gemma3.session import Gemma3Session
from gemma3.settings import Settings


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
    assert methods == {"infer_chunk", "answer", "generate", "close", "endpoint"}


@pytest.mark.parametrize(
    "deployed", [gemma3_vlm_app.Gemma3VLMSession, streaming_vlm_app.StreamingVLMSession]
)
def test_a_container_whose_gpu_failed_fetches_no_more_calls(
    deployed: modal.Cls, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[bool] = []
    monkeypatch.setattr(modal.experimental, "stop_fetching_inputs", lambda: stopped.append(True))
    deployed._get_user_cls().retire(object())
    assert stopped == [True]


def test_infer_chunk_has_the_signature_of_the_contract_m1() -> None:
    parameters = list(inspect.signature(Gemma3Session.infer_chunk).parameters.values())[1:]
    required = [one.name for one in parameters if one.default is inspect.Parameter.empty]
    assert required == ["frames", "start_ts_s", "end_ts_s", "prompt"]
    assert [one.name for one in parameters[4:]] == ["history", "session_id", "questions"]


def test_the_options_follow_the_settings() -> None:
    options = gemma3_vlm_app.class_options(
        Settings(gpu="H100", hf_secret_name="hf", gpu_snapshot=False, max_containers=3)
    )
    assert (options["gpu"], options["max_containers"]) == ("H100", 3)
    assert options["experimental_options"] == {}
    assert len(options["secrets"]) == 1
    assert gemma3_vlm_app.class_options(Settings())["secrets"] == []


def test_modal_deploy_tells_modal_what_is_meant(tmp_path: Path) -> None:
    """The real command from the repository's root, heard by a control plane on the loopback."""
    plane = deploy(
        tmp_path, "gemma3_vlm_app.py", GEMMA3_MAX_BATCH="4", GEMMA3_HF_SECRET_NAME="gated"
    )
    created = {one.function.function_name: one.function for one in plane.calls_of("FunctionCreate")}
    function = created["Gemma3VLMSession.*"]
    methods = {"infer_chunk", "answer", "generate", "close"}
    assert set(function.method_definitions) == {*methods, "endpoint"}
    assert function.resources.gpu_config.gpu_type == "L40S"
    assert (function.max_concurrent_inputs, function.target_concurrent_inputs) == (32, 16)
    assert function.autoscaler_settings.min_containers == 0
    assert function.autoscaler_settings.scaledown_window == 300
    assert function.checkpointing_enabled
    assert function.experimental_options["enable_gpu_snapshot"] == "True"
    assert [mount.mount_path for mount in function.volume_mounts] == ["/weights"]
    assert {one.deployment_name for one in plane.calls_of("SecretGetOrCreate")} == {"gated"}
    infer_chunk = function.method_definitions["infer_chunk"]
    assert api_pb2.DATA_FORMAT_CBOR in infer_chunk.supported_input_formats, "for JavaScript"
    assert api_pb2.DATA_FORMAT_CBOR in infer_chunk.supported_output_formats
    assert [(one.name, one.has_default) for one in infer_chunk.function_schema.arguments] == [
        ("frames", False),
        ("start_ts_s", False),
        ("end_ts_s", False),
        ("prompt", False),
        ("history", True),
        ("session_id", True),
        ("questions", True),
    ]


def test_modal_deploy_lets_nobody_to_the_endpoint_without_a_proxy_token(tmp_path: Path) -> None:
    plane = deploy(tmp_path, "gemma3_vlm_app.py")
    created = {one.function.function_name: one.function for one in plane.calls_of("FunctionCreate")}
    definitions = created["Gemma3VLMSession.*"].method_definitions
    endpoint = definitions["endpoint"].webhook_config
    assert endpoint.type == api_pb2.WEBHOOK_TYPE_ASGI_APP
    assert endpoint.requires_proxy_auth
    assert endpoint.requested_suffix == "foresight-gemma3-vlm"
    others = {name for name, one in definitions.items() if one.webhook_config.type}
    assert others == {"endpoint"}, "no other method is on the web"


def test_modal_deploy_sends_settings_pinned_packages_and_modules(tmp_path: Path) -> None:
    plane = deploy(tmp_path, "gemma3_vlm_app.py", GEMMA3_MAX_BATCH="4")
    images = [one.image for one in plane.calls_of("ImageGetOrCreate")]
    commands = [command for image in images for command in image.dockerfile_commands]
    assert any("GEMMA3_MAX_BATCH=4" in command for command in commands)
    sent = {file.data for image in images for file in image.context_files}
    for name in ("requirements.txt", "requirements-torch.txt"):
        assert (MODAL_FOLDER / name).read_bytes() in sent
    ours = modules_of("gemma3", "serving") | {"gemma3_vlm_app.py", "hosting.py"}
    assert ours <= mounted(plane)


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
