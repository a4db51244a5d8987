"""What is installed is what stands here: a package that is gone or new breaks only a fresh installation."""

import tomllib

from ledger.settings import PROJECT_DIR


def test_the_packages_that_are_installed_are_those_of_the_project():
    stated = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    rooms = {name.partition(".")[0] for name in stated["packages"]}
    found = (
        file.parent.relative_to(PROJECT_DIR) for room in rooms for file in (PROJECT_DIR / room).rglob("__init__.py")
    )
    assert sorted(stated["packages"]) == sorted(".".join(folder.parts) for folder in found)
