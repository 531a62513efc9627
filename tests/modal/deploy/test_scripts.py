"""The scripts of ``.github/deploy``, run by bash with stand-ins for ``modal`` and ``deno``."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from control_plane import ControlPlane

ROOT = Path(__file__).parents[3]
SECRETS = {
    "MAGIC_WORD": 'open-sesame $HOME `id` "x" #1\n',
    "FORESIGHT_POKE_API_KEY": "pk_poke",
    "TOKEN_SIGNING_KEYS": "new-key+of/thirty-two=characters,old-key+of/thirty-two=characters",
    "SECRET_SEALING_KEYS": "seal-key+of/thirty-two=characters",
    "WEBHOOK_SIGNING_KEYS": "web-key+of/thirty-two=characters",
    "MODAL_TOKEN_ID": "ak-test",
    "MODAL_TOKEN_SECRET": "as-test",
}
DENO_DEPLOY = {
    "DENO_DEPLOY_TOKEN": "ddo_test",
    "DENO_DEPLOY_ORG": "house",
    "DENO_DEPLOY_APP": "foresight",
}
STAND_IN = f"""#!{sys.executable}
import json, os, sys
from pathlib import Path
here = Path(__file__).parent
files = {{one: Path(one).read_text() for one in sys.argv[1:] if Path(one).is_file()}}
modes = {{one: oct(Path(one).stat().st_mode)[-3:] for one in files}}
call = {{"name": Path(__file__).name, "argv": sys.argv[1:], "env": dict(os.environ)}}
with (here / "calls").open("a") as calls:
    calls.write(json.dumps({{**call, "files": files, "modes": modes}}) + "\\n")
answers = json.loads((here / "answers").read_text())
asked = " ".join(sys.argv[1:])
code, text = next((answer for prefix, answer in answers if asked.startswith(prefix)), (0, ""))
print(text)
sys.exit(code)
"""


@dataclass
class Deploy:
    """A machine that deploys: what it is given, and what it did."""

    folder: Path
    answers: list[tuple[str, tuple[int, str]]] = field(default_factory=list)

    def run(self, script: str, root: Path = ROOT, **given: str) -> subprocess.CompletedProcess[str]:
        for name in ("modal", "deno"):
            (self.folder / name).write_text(STAND_IN)
            (self.folder / name).chmod(0o755)
        (self.folder / "answers").write_text(json.dumps(self.answers))
        path = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", str(root / ".github/deploy" / script)],
            env={"PATH": path, "HOME": str(self.folder), "TMPDIR": str(self.folder), **given},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[dict[str, Any]]:
        calls = self.folder / "calls"
        return (
            [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
        )


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    listed = [{"key": name, "value": None, "isSecret": True} for name in SECRETS]
    deployed = {"revisionId": "r1", "productionUrl": "https://foresight.house.deno.net"}
    return Deploy(
        tmp_path,
        [
            ("deploy env list", (0, json.dumps(listed))),
            ("deploy .", (0, json.dumps(deployed))),
        ],
    )


def dotenv(text: str) -> dict[str, str]:
    """A file of single-quoted values, in which nothing is expanded."""
    pairs = [line.split("=", 1) for line in text.splitlines()]
    assert all(value[0] == value[-1] == "'" and "'" not in value[1:-1] for _, value in pairs)
    return {name: value[1:-1] for name, value in pairs}


def test_modal_sh_deploys_gemma_with_the_hf_secret(deploy: Deploy) -> None:
    run = deploy.run("modal.sh", **SECRETS, FORESIGHT_GEMMA3_HF_SECRET_NAME="hugging-face")
    assert run.returncode == 0, run.stderr
    [call] = deploy.calls
    assert call["argv"] == ["deploy", "--env", "main", "modal/gemma3_vlm_app.py"]
    assert call["env"]["GEMMA3_HF_SECRET_NAME"] == "hugging-face"
    assert "as-test" not in run.stdout + run.stderr


def test_modal_sh_takes_another_environment_and_no_secret_name(deploy: Deploy) -> None:
    run = deploy.run("modal.sh", **SECRETS, FORESIGHT_MODAL_ENVIRONMENT="staging")
    assert run.returncode == 0, run.stderr
    [call] = deploy.calls
    assert call["argv"][:3] == ["deploy", "--env", "staging"]
    assert "GEMMA3_HF_SECRET_NAME" not in call["env"]


def test_modal_sh_is_understood_by_modals_own_command(tmp_path: Path) -> None:
    """The real ``modal``, heard by a control plane on the loopback."""
    (tmp_path / "modal").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m modal "$@"\n')
    (tmp_path / "modal").chmod(0o755)
    with ControlPlane() as plane:
        run = subprocess.run(
            ["bash", str(ROOT / ".github/deploy/modal.sh")],
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "MODAL_SERVER_URL": plane.url,
                "MODAL_TOKEN_ID": "ak-test\n",
                "MODAL_TOKEN_SECRET": "as-test",
                "FORESIGHT_MODAL_ENVIRONMENT": "staging",
                "FORESIGHT_GEMMA3_HF_SECRET_NAME": "gated",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    secrets = plane.calls_of("SecretGetOrCreate")
    assert {(one.deployment_name, one.environment_name) for one in secrets} == {
        ("gated", "staging")
    }
    assert {one.environment_name for one in plane.calls_of("VolumeGetOrCreate")} == {"staging"}
    assert plane.calls_of("AppPublish"), "deployed"


def with_streaming(folder: Path) -> Path:
    """A repository in which StreamingVLM has its app."""
    shutil.copytree(ROOT / ".github/deploy", folder / ".github/deploy")
    (folder / "modal").mkdir()
    (folder / "modal/gemma3_vlm_app.py").write_text('APP_NAME = "foresight-gemma3-vlm"\n')
    (folder / "modal/streaming_vlm_app.py").write_text('import x\nAPP_NAME = "streaming-app"\n')
    return folder


def test_an_override_rolls_back_to_streaming_vlm(deploy: Deploy, tmp_path: Path) -> None:
    root = with_streaming(tmp_path / "repository")
    given = {**SECRETS, **DENO_DEPLOY, "FORESIGHT_MODAL_CLASS_NAME_OVERRIDE": "StreamingVLMSession"}
    for script in ("modal.sh", "settings.sh"):
        run = deploy.run(script, root, **given)
        assert run.returncode == 0, run.stderr
    modal, load, _ = deploy.calls
    assert modal["argv"] == ["deploy", "--env", "main", "modal/streaming_vlm_app.py"]
    set_to = dotenv(load["files"][load["argv"][3]])
    assert set_to["FORESIGHT_MODAL_APP_NAME"] == "streaming-app"
    assert set_to["FORESIGHT_MODAL_CLASS_NAME"] == "StreamingVLMSession"


def test_an_override_that_names_nothing_stops_before_modal(deploy: Deploy) -> None:
    run = deploy.run("modal.sh", **SECRETS, FORESIGHT_MODAL_CLASS_NAME_OVERRIDE="Gemma4")
    assert run.returncode == 1
    assert (
        "must be Gemma3VLMSession, StreamingVLMSession or empty: current value is Gemma4"
        in run.stderr
    )
    assert deploy.calls == []


def test_settings_sh_sets_what_the_app_reads_and_no_argument_is_a_secret(deploy: Deploy) -> None:
    run = deploy.run("settings.sh", **SECRETS, **DENO_DEPLOY)
    assert run.returncode == 0, run.stderr
    load, listing = deploy.calls
    file = load["argv"][3]
    common = ["--org", "house", "--app", "foresight", "--json", "--non-interactive"]
    public = [
        "FORESIGHT_MODAL_ENVIRONMENT",
        "FORESIGHT_MODAL_APP_NAME",
        "FORESIGHT_MODAL_CLASS_NAME",
    ]
    options = ["--replace", "--non-secrets", *public, *common]
    assert load["argv"] == ["deploy", "env", "load", file, *options]
    assert listing["argv"] == ["deploy", "env", "list", *common]
    set_to = dotenv(load["files"][file])
    assert set_to.pop("PUBLIC_FORESIGHT_REVISION")
    assert set_to == {
        **{name: value.strip() for name, value in SECRETS.items()},
        "FORESIGHT_MODAL_ENVIRONMENT": "main",
        "FORESIGHT_MODAL_APP_NAME": "foresight-gemma3-vlm",
        "FORESIGHT_MODAL_CLASS_NAME": "Gemma3VLMSession",
    }
    assert load["modes"][file] == "600"
    assert not Path(file).exists(), "the secrets are gone from the disk"
    assert all(value.strip() not in run.stdout + run.stderr for value in SECRETS.values())


def test_settings_sh_ends_the_deploy_where_a_secret_would_be_readable(deploy: Deploy) -> None:
    listed = [{"key": name, "isSecret": name != "MAGIC_WORD"} for name in SECRETS]
    deploy.answers = [("deploy env list", (0, json.dumps(listed)))]
    run = deploy.run("settings.sh", **SECRETS, **DENO_DEPLOY)
    assert run.returncode == 1
    assert "Cannot deploy as MAGIC_WORD must be a secret on Deno Deploy" in run.stderr


def test_settings_sh_refuses_what_it_cannot_write_down_and_hides_it(deploy: Deploy) -> None:
    for word in ("it's", "two\nlines"):
        run = deploy.run("settings.sh", **{**SECRETS, "MAGIC_WORD": word}, **DENO_DEPLOY)
        assert run.returncode == 1
        assert "MAGIC_WORD must hold no single quote and no line break" in run.stderr
        assert word not in run.stdout + run.stderr
    assert deploy.calls == []


@pytest.mark.parametrize("name", ["FORESIGHT_POKE_API_KEY", "TOKEN_SIGNING_KEYS", "SECRET_SEALING_KEYS", "WEBHOOK_SIGNING_KEYS"])
def test_settings_sh_leaves_keys_alone_where_none_are_given(deploy: Deploy, name: str) -> None:
    run = deploy.run("settings.sh", **{**SECRETS, name: " "}, **DENO_DEPLOY)
    assert run.returncode == 0, run.stderr
    load = deploy.calls[0]
    assert name not in load["files"][load["argv"][3]]


def test_app_sh_deploys_to_production_and_hands_on_the_address(deploy: Deploy) -> None:
    output = deploy.folder / "output"
    run = deploy.run("app.sh", **DENO_DEPLOY, GITHUB_OUTPUT=str(output))
    assert run.returncode == 0, run.stderr
    [call] = deploy.calls
    assert call["argv"][:3] == ["deploy", ".", "--prod"]
    assert "--non-interactive" in call["argv"]
    assert output.read_text() == "url=https://foresight.house.deno.net\n"
    deploy.run(
        "app.sh", **DENO_DEPLOY, GITHUB_OUTPUT=str(output), FORESIGHT_URL="https://see.example"
    )
    assert output.read_text().splitlines()[1] == "url=https://see.example"


def test_app_sh_hands_on_nothing_that_is_no_address(deploy: Deploy) -> None:
    output = deploy.folder / "output"
    for answer in ('{"url": "https://console"}', '{"productionUrl": "https://a b\\nx=y"}'):
        deploy.answers = [("deploy .", (0, answer))]
        run = deploy.run("app.sh", **DENO_DEPLOY, GITHUB_OUTPUT=str(output))
        assert run.returncode == 1
        assert "the app's address must be https://HOST" in run.stderr
    assert not output.exists()


@pytest.mark.parametrize("script", ["modal.sh", "settings.sh", "app.sh"])
def test_a_command_that_fails_ends_the_script(deploy: Deploy, script: str) -> None:
    deploy.answers.insert(0, ("deploy", (3, "")))
    output = deploy.folder / "output"
    run = deploy.run(script, **SECRETS, **DENO_DEPLOY, GITHUB_OUTPUT=str(output))
    assert run.returncode == 3
    assert len(deploy.calls) == 1
    assert not output.exists()


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        ("modal.sh", "MODAL_TOKEN_SECRET"),
        ("settings.sh", "MAGIC_WORD"),
        ("settings.sh", "DENO_DEPLOY_TOKEN"),
        ("app.sh", "DENO_DEPLOY_APP"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_done(
    deploy: Deploy, script: str, missing: str
) -> None:
    given = {**SECRETS, **DENO_DEPLOY, "GITHUB_OUTPUT": str(deploy.folder / "output")}
    run = deploy.run(script, **{**given, missing: " \n"})
    assert run.returncode == 1
    assert run.stderr.strip() == f"Cannot deploy as {missing} must be set: it is empty"
    assert deploy.calls == []


def test_every_app_has_the_line_that_the_scripts_look_for() -> None:
    files = list((ROOT / "modal").glob("*_vlm_app.py"))
    assert files
    for file in files:
        found = re.findall(r'^APP_NAME = "[A-Za-z0-9._-]+"$', file.read_text(), re.MULTILINE)
        assert len(found) == 1, file
