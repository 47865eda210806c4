"""Run by `make check`: the locks hold every dependency of pyproject.toml, hashed, and no address."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = {"requirements.lock": ("build",), "requirements-dev.lock": ("build", "dev")}


def problems() -> list[str]:
    """A sentence for each thing that is wrong with the lock files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = []
    for name, groups in LOCKS.items():
        text = (ROOT / name).read_text()
        entries = re.findall(r"^(\S+?)(?:\[\S+\])?==(\S+)(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
        locked = {_normal(package): rest for package, _version, rest in entries}
        wanted = [*project["project"]["dependencies"]]
        wanted += [one for group in groups for one in project["dependency-groups"][group]]
        for requirement in wanted:
            package = _normal(re.split(r"[\s;\[<>=!~]", requirement, maxsplit=1)[0])
            if package not in locked:
                found.append(f"{name} lacks {package}; run `make lock`")
        found += [
            f"{name}: {package} has no hash; run `make lock`"
            for package, rest in locked.items()
            if "--hash=sha256:" not in rest
        ]
        if re.search(r"://|--(extra-)?index[-]url|--find[-]links", text):
            found.append(f"{name} holds an address; run `make lock`")
    return found


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or 0)
