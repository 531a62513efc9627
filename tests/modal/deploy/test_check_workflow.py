"""What the Check workflow does to ``deno.json`` before it takes JSR's packages from JSR."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]


def test_taking_the_links_out_leaves_all_else_as_it_was(tmp_path: Path) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
    [step] = [
        step
        for step in workflow["jobs"]["real"]["steps"]
        if step.get("name") == "Take the links out"
    ]
    for name in ("deno.json", "deno.lock"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "links", tmp_path / "links")
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, check=True)
    before = json.loads((ROOT / "deno.json").read_text())
    assert before.pop("links")
    assert json.loads((tmp_path / "deno.json").read_text()) == before
    assert [file.name for file in tmp_path.iterdir()] == ["deno.json"]
