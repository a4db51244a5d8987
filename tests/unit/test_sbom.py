"""What is installed can be told, with versions and licences: as CycloneDX, and it is what the lock says."""

import json
import shutil
import subprocess

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ledger.settings import PROJECT_DIR


@pytest.fixture(scope="module")
def components(tmp_path_factory):
    path = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    subprocess.run(
        [str(shutil.which("make")), "-s", "-o", "setup", "sbom", f"SBOM={path}"],
        cwd=PROJECT_DIR,
        check=True,
        capture_output=True,
    )
    told = json.loads(path.read_bytes())
    assert (told["bomFormat"], told["metadata"]["component"]["name"]) == ("CycloneDX", "jifen")
    return {canonicalize_name(one["name"]): one for one in told["components"]}


def test_the_bill_of_materials_names_every_package_of_the_lock_with_its_version(components):
    text = (PROJECT_DIR / "requirements" / "all.lock").read_text(encoding="utf-8")
    lines = [line.removesuffix("\\").strip() for line in text.splitlines() if "==" in line]
    locked = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate()]
    assert len(locked) > 200
    wanted = {canonicalize_name(one.name): next(iter(one.specifier)).version for one in locked}
    assert {name: components.get(name, {}).get("version") for name in wanted} == wanted
    assert {*components} - {*wanted} <= {"jifen", "pip", "uv", "setuptools"}


def test_the_bill_of_materials_names_licences_and_where_each_package_is_from(components):
    without = sorted(name for name, one in components.items() if not one.get("licenses"))
    assert len(without) <= len(components) // 20, without
    assert all(one["purl"].startswith("pkg:pypi/") for one in components.values())
