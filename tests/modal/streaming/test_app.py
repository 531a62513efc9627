"""What Modal's own SDK makes of the app file, and that it can stand in for Gemma 3's."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import modal
import pytest
from modal_proto import api_pb2

import streaming_vlm_app
from deploying import MODAL_FOLDER, deploy, modules_of, mounted
from gemma3.session import Gemma3Session
from streaming.session import StreamingSession

METHODS = ("infer_chunk", "answer", "generate", "close")


def test_the_app_has_its_name_and_the_class_its_methods() -> None:
    assert streaming_vlm_app.app.name == "foresight-streamingvlm"
    session = streaming_vlm_app.StreamingVLMSession
    assert isinstance(session, modal.Cls)
    assert set(session._get_method_names()) == {*METHODS, "endpoint"}


@pytest.mark.parametrize("method", METHODS)
def test_going_back_from_gemma_changes_no_signature_m1(method: str) -> None:
    ours, theirs = (getattr(one, method) for one in (StreamingSession, Gemma3Session))
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.iscoroutinefunction(ours)
    assert inspect.iscoroutinefunction(theirs)


def test_infer_chunk_has_the_signature_of_the_contract_m1() -> None:
    parameters = list(inspect.signature(StreamingSession.infer_chunk).parameters.values())[1:]
    required = [one.name for one in parameters if one.default is inspect.Parameter.empty]
    assert required == ["frames", "start_ts_s", "end_ts_s", "prompt"]
    assert [one.name for one in parameters[4:]] == ["history", "session_id", "questions"]


def test_modal_deploy_tells_modal_what_is_meant(tmp_path: Path) -> None:
    """The real command from the repository's root, heard by a control plane on the loopback."""
    plane = deploy(tmp_path, "streaming_vlm_app.py", STREAMINGVLM_MAX_SESSIONS="4")
    created = {one.function.function_name: one.function for one in plane.calls_of("FunctionCreate")}
    function = created["StreamingVLMSession.*"]
    assert set(function.method_definitions) == {*METHODS, "endpoint"}
    endpoint = function.method_definitions["endpoint"].webhook_config
    assert endpoint.requires_proxy_auth
    assert endpoint.requested_suffix == "foresight-streamingvlm"
    assert function.resources.gpu_config.gpu_type == "A100-80GB"
    assert (function.max_concurrent_inputs, function.target_concurrent_inputs) == (8, 4)
    assert [mount.mount_path for mount in function.volume_mounts] == ["/weights"]
    infer_chunk = function.method_definitions["infer_chunk"]
    assert api_pb2.DATA_FORMAT_CBOR in infer_chunk.supported_input_formats, "for JavaScript"
    assert api_pb2.DATA_FORMAT_CBOR in infer_chunk.supported_output_formats
    images = [one.image for one in plane.calls_of("ImageGetOrCreate")]
    commands = [command for image in images for command in image.dockerfile_commands]
    assert any("STREAMINGVLM_MAX_SESSIONS=4" in command for command in commands)
    ours = modules_of("streaming", "serving") | {"streaming_vlm_app.py", "hosting.py"}
    assert ours <= mounted(plane)


def test_a_setting_that_cannot_be_used_stops_the_deploy() -> None:
    run = subprocess.run(
        [sys.executable, str(MODAL_FOLDER / "streaming_vlm_app.py")],
        env={**os.environ, "STREAMINGVLM_MAX_SESSIONS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "STREAMINGVLM_MAX_SESSIONS must be a whole number" in run.stderr
