"""What an interpreter's environment has of what a WanGP checkout needs. Run by itself, never imported.

``environment_report.py MARKER packages JSON`` takes ``{"root", "requirements": [file], "modules": [name]}`` and
answers ``{"packages": [...], "unread": [...], "absent": [...], "modules": [...], "torch"}``; nothing of the checkout is
run. ``environment_report.py MARKER torch`` imports torch and answers what it runs on. Both print JSON between two
markers.

Standard library only, and every CPython that can be embedded can run it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Where WanGP begins: what `init` imports, then what that imports by a name in a string.
ENTRIES = ("shared/api.py", "wgp.py")
# Folders of a checkout that hold no modules of its own, and many files.
SKIPPED = {".git", "ckpts", "node_modules", "outputs", "__pycache__"}
# A file beyond that holds no program, and reading it would take the machine's memory.
LARGEST_SOURCE = 64_000_000
SPECIFIER = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)$")


def requirement_parser() -> Any:
    """The class ``Requirement`` of the library that pip uses, wherever a copy of it is; None where none is."""
    for name in (
        "packaging.requirements",
        "pip._vendor.packaging.requirements",
        "setuptools._vendor.packaging.requirements",
    ):
        try:
            return importlib.import_module(name).Requirement
        except Exception:  # an environment that is half broken is what this looks at
            continue
    return None


def requirement_lines(file: Path, seen: set[Path]) -> Iterator[str]:
    """The requirements of a file and of those that it includes; options of pip's are left out."""
    if file in seen:
        return
    seen.add(file)
    try:
        if not file.is_file() or file.stat().st_size > LARGEST_SOURCE:
            return
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return
    for raw in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        included = re.match(r"^(?:-r|--requirement)[\s=]+(.+)$", line)
        if included:
            yield from requirement_lines(file.parent / included[1].strip(), seen)
        elif line and not line.startswith("-"):
            yield line


def installed_version(name: str) -> str | None:
    """The version of an installed package; None where it isn't installed."""
    try:
        return str(importlib.metadata.version(name) or "unknown")
    except Exception:  # metadata that can't be read is none
        return None


def judge(line: str, parser: Any) -> dict[str, Any] | None:
    """What is installed of one requirement; None where it isn't meant for this machine. Raises ValueError."""
    if parser is None:
        match = SPECIFIER.match(line)
        if match is None or ";" in line:
            raise ValueError(line)
        name, specifier = match[1], None
    else:
        requirement = parser(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            return None
        name, specifier = requirement.name, requirement.specifier
    version = installed_version(name)
    state = "missing" if version is None else "installed"
    is_known = version not in (None, "unknown")
    if is_known and specifier is not None and not specifier.contains(version, prereleases=True):
        state = "other"
    return {"name": name, "requirement": line, "version": version, "state": state}


def judged_requirements(files: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """What is installed of the requirements of these files, and the lines that can't be understood here."""
    parser = requirement_parser()
    packages, unread = [], []
    seen: set[Path] = set()
    for file in files:
        for line in requirement_lines(Path(file), seen):
            try:
                package = judge(line, parser)
            except Exception:  # `packaging` has exceptions of its own
                unread.append(line)
                continue
            if package is not None:
                packages.append(package)
    return packages, unread


def unconditional_imports(body: list[ast.stmt]) -> Iterator[tuple[int, str, list[str], int]]:
    """``(level, module, names, line)`` of the imports that running a module always reaches.

    Those in functions, in ``try``, and under any condition may never be reached, or may fail without harm.
    """
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name, [], node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names], node.lineno
        elif isinstance(node, (ast.With, ast.ClassDef)):
            yield from unconditional_imports(node.body)


class Closure:
    """Follows the imports of a checkout from its entries, and collects the modules that are not its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.external: dict[str, str] = {}  # a top-level name, and where it is imported first
        self._seen: set[Path] = set()

    def visit(self, file: Path) -> None:
        """Reads a module of the checkout and, in turn, those that it imports."""
        waiting = [file]
        while waiting:
            current = waiting.pop()
            if current in self._seen or not current.is_file():
                continue
            self._seen.add(current)
            try:
                if current.stat().st_size > LARGEST_SOURCE:
                    continue
                tree = ast.parse(current.read_bytes())
            except (OSError, SyntaxError, ValueError):
                continue
            for level, module, names, line in unconditional_imports(tree.body):
                waiting.extend(self._targets(current, level, module, names, line))

    def _targets(self, file: Path, level: int, module: str, names: list[str], line: int) -> list[Path]:
        if level > 0:
            base = file.parents[level - 1]
        elif self._is_own(module.partition(".")[0]):
            base = self.root
        else:
            place = f"{file.relative_to(self.root).as_posix()}:{line}"
            self.external.setdefault(module.partition(".")[0], place)
            return []
        found = []
        for part in filter(None, module.split(".")):
            base /= part
            found += [base / "__init__.py", base.with_name(f"{part}.py")]
        for name in names:
            found += [base / name / "__init__.py", base / f"{name}.py"]
        return found

    def _is_own(self, name: str) -> bool:
        return (self.root / name).is_dir() or (self.root / f"{name}.py").is_file()


def is_there(module: str) -> bool:
    """Whether a top-level module can be found; looks for it without importing it."""
    if module in sys.builtin_module_names or module in sys.modules:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except Exception:  # a finder of the environment's that fails
        return False


def names_in(root: Path) -> set[str]:
    """The modules that lie anywhere in a checkout: it may put any of its folders into ``sys.path``."""
    names: set[str] = set()
    for _, folders, files in os.walk(root):
        # A virtual environment is no part of the checkout.
        folders[:] = [name for name in folders if name not in SKIPPED and name != "site-packages"]
        names.update(folders, (name[:-3] for name in files if name.endswith(".py")))
    return names


def absent_modules(root: Path) -> list[dict[str, str]]:
    """The modules that importing WanGP needs in any case and that are nowhere."""
    closure = Closure(root)
    for entry in ENTRIES:
        closure.visit(root / entry)
    absent = {name: place for name, place in closure.external.items() if not is_there(name)}
    if absent:
        own = names_in(root)
        absent = {name: place for name, place in absent.items() if name not in own}
    return [{"module": name, "place": place} for name, place in sorted(absent.items())]


def packages(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to ``packages``."""
    judged, unread = judged_requirements(request["requirements"])
    torch = installed_version("torch") or ("unknown" if is_there("torch") else None)
    return {
        "packages": judged,
        "unread": unread,
        "absent": absent_modules(Path(request["root"])),
        "modules": [name for name in request["modules"] if not is_there(name.partition(".")[0])],
        "torch": torch,
    }


def torch_device() -> dict[str, Any]:
    """The answer to ``torch``. Raises what importing torch raises."""
    torch = importlib.import_module("torch")
    cuda = torch.cuda.is_available()
    devices = []
    for index in range(torch.cuda.device_count() if cuda else 0):
        properties = torch.cuda.get_device_properties(index)
        devices.append({"name": properties.name, "memory": properties.total_memory})
    mps = getattr(torch.backends, "mps", None)
    return {
        "version": str(torch.__version__),
        "device": "cuda" if cuda else "mps" if mps is not None and mps.is_available() else "cpu",
        "cuda": torch.version.cuda,
        "hip": getattr(torch.version, "hip", None),
        "devices": devices,
    }


def main() -> None:
    """Answers the question of the command line."""
    # The folder of this file holds no module for anybody.
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != here]
    marker, question, *arguments = sys.argv[1:]
    answer = torch_device() if question == "torch" else packages(json.loads(arguments[0]))
    # torch and others may have printed something.
    sys.stdout.write(f"\n{marker}{json.dumps(answer)}{marker}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
