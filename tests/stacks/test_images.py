"""What goes into an image, and what its name says; the engine is asked in tests/cluster."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from stacks import images
from stacks.cluster import platforms
from stacks.cluster.errors import ClusterError
from switchyard.tabular.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path) -> Path:
    for name in images.context_files("pipelines"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def name(root: Path) -> str:
    return images.image_name("pipelines", "registry.example/team", root)


def test_all_rooms_go_in_and_nothing_else_of_the_repository():
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    files = images.context_files("pipelines")

    assert set(rooms) <= {file.split("/")[0] for file in files}
    assert not any(file.startswith(("tests/", "docs/", "benchmarks/", ".")) or "__pycache__" in file for file in files)
    assert {"run.py", "requirements.txt", "configs/loans.yaml"} <= files


def test_name_is_a_digest_of_lock_code_and_arguments(project, monkeypatch):
    first = name(project)
    assert first.startswith("registry.example/team/switchyard-pipelines:")

    (project / "steps/__pycache__").mkdir(exist_ok=True)
    (project / "steps/__pycache__/x.pyc").write_bytes(b"x")
    (project / "README.md").write_text("x")
    assert name(project) == first

    (project / "steps/new.py").write_text("")
    second = name(project)
    (project / "requirements.txt").write_text("zenml\n")
    third = name(project)
    monkeypatch.setenv("SWITCHYARD_TORCH_INDEX", "https://index.example")
    assert len({first, second, third, name(project)}) == 4


def test_name_follows_the_plugins_of_the_repository_and_others_are_refused(project, monkeypatch, tmp_path_factory):
    first = name(project)
    (project / "plugins/own.py").write_text("PARTS = ()")
    assert "plugins/own.py" in images.context_files("pipelines", project)
    second = name(project)
    (project / "plugins/own.py").write_text("PARTS = (1,)")
    assert len({first, second, name(project)}) == 3

    monkeypatch.setenv("SWITCHYARD_FOLDER", str(project))
    images.refuse_absent(["plugins/own.py"], project)
    away = tmp_path_factory.mktemp("away") / "own.py"
    away.write_text("")
    for source in (str(away), str(project / "plugins/own.py")):
        with pytest.raises(InputError, match="is not in the image of the pipelines: move it to plugins/"):
            images.refuse_absent([source], project)


def test_what_is_sent_is_what_is_named_and_a_folder_of_wheels_comes_along(project, tmp_path_factory, monkeypatch):
    wheels = tmp_path_factory.mktemp("wheels")
    for machine in ("linux_x86_64", "manylinux_2_28_aarch64", "macosx_11_0_arm64"):
        (wheels / f"torch-2.13.0+cpu-cp311-cp311-{machine}.whl").write_bytes(b"wheel")
    before = name(project)
    monkeypatch.setenv("PIP_FIND_LINKS", f"{wheels} https://index.example")

    with images._context("pipelines", project, "amd64") as file, tarfile.open(fileobj=file) as archive:
        sent = set(archive.getnames())

    assert sent == images.context_files("pipelines", project) | {"torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl"}
    assert name(project) == before


def test_code_comes_after_the_libraries_so_that_an_edit_leaves_their_layer_alone():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    copies = [line for line in final if line.startswith("COPY")]

    assert [line.split()[1] for line in copies] == ["--from=libraries", "--from=code"]


def test_a_prepared_image_is_taken_as_it_is(monkeypatch):
    monkeypatch.setenv("SWITCHYARD_IMAGE_SERVING", "registry.example/serving:1")

    assert images.ensure_image("serving", "nowhere.invalid") == "registry.example/serving:1"


class Registry(BaseHTTPRequestHandler):
    """Holds one image, by its tag and its digest."""

    DIGEST = f"sha256:{'a' * 64}"

    def do_HEAD(self):
        found = self.path in (f"/v2/team/switchyard-serving/manifests/{by}" for by in ("1", self.DIGEST))
        self.send_response(200 if found else 404)
        if found:
            self.send_header("Docker-Content-Digest", self.DIGEST)
        self.end_headers()

    def log_message(self, *_what):
        pass


@pytest.fixture
def registry():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}/team"
    server.shutdown()


def test_what_a_registry_gives_is_named_by_digest_so_that_no_push_changes_what_runs(registry, monkeypatch):
    whole = f"{registry}/switchyard-serving:1@{Registry.DIGEST}"
    assert images.in_registry(f"{registry}/switchyard-serving:1") == whole == images.in_registry(whole)
    assert images.in_registry(f"{registry}/switchyard-serving:2") == ""
    monkeypatch.setattr(images, "image_name", lambda *_what: f"{registry}/switchyard-serving:1")
    assert images.ensure_image("serving", registry) == whole


def test_what_was_pushed_is_named_by_digest_and_what_stays_in_the_engine_by_its_tag(monkeypatch):
    monkeypatch.setattr(images, "_engine", lambda: None)
    monkeypatch.setattr(images, "_has_image", lambda *_what: True)
    pushed = []
    monkeypatch.setattr(images, "_push", lambda _engine, name: pushed.append(name))
    monkeypatch.setattr(images, "in_registry", lambda name: f"{name}@sha256:1" if pushed else "")
    assert images.ensure_image("serving", "r.example").endswith("@sha256:1") and len(pushed) == 1
    assert "@" not in images.ensure_image("serving", "")


def test_without_an_engine_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(images.ImageError, match="DOCKER_HOST"):
        images.ensure_image("pipelines", "127.0.0.1:9")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"error": "write /x: no space left on device"}, "disk is full"),
        ({"error": "The command '/bin/sh -c false' returned a non-zero code: 1"}, "building Dockerfile failed"),
        ({"error": "exec /bin/sh: exec format error"}, "runs no programs of linux/arm64"),
    ],
)
def test_a_failed_build_says_why(project, said, told):
    class Engine:
        @staticmethod
        def version():
            return {"Arch": "amd64"}

        class api:
            @staticmethod
            def build(**_options):
                yield {"stream": "Step 1/2 : RUN false\n"}
                yield said

    with pytest.raises(images.ImageError, match=told):
        images._build(Engine(), "pipelines", "x:1", project, "linux/arm64")


@pytest.mark.parametrize(
    ("answer", "told"), [("denied: requested access to the resource is denied", "docker login"), ("EOF", "CONTAINER_REGISTRY")]
)
def test_a_refused_push_says_how_to_mend_it(answer, told):
    class Engine:
        class api:
            @staticmethod
            def push(_repository, **_options):
                yield {"status": "Preparing"}
                yield {"error": answer}

    with pytest.raises(images.ImageError, match=told):
        images._push(Engine(), "registry.example/x:1")


def test_an_image_is_for_the_nodes_and_its_name_says_so_unless_they_are_the_usual(project, monkeypatch):
    names = {platform: images.image_name("pipelines", "r.example", project, platform) for platform in ("", "linux/amd64", "linux/arm64")}
    assert names[""] == names["linux/amd64"] != names["linux/arm64"]

    built = []

    class Engine:
        images = SimpleNamespace(get=lambda _name: SimpleNamespace(attrs={"Architecture": "amd64"}))
        api = SimpleNamespace(build=lambda **options: built.append((options["tag"], options["platform"])) or iter(()))
        version = staticmethod(lambda: {"Arch": "amd64"})

    monkeypatch.setattr(images, "_engine", Engine)
    monkeypatch.setattr(images, "in_registry", lambda _name: "")
    monkeypatch.setattr(images, "_push", lambda *_what: None)
    for platform in names:
        assert images.ensure_image("pipelines", "r.example", root=project, platform=platform) == names[platform]
    # One of another architecture by the same name, as earlier releases made them, is not taken.
    assert built == [(names["linux/arm64"], "linux/arm64")]


def node(architecture, system="linux"):
    return {"kubernetes.io/os": system, "kubernetes.io/arch": architecture}


def test_the_nodes_say_what_they_are(monkeypatch):
    monkeypatch.delenv(platforms.VARIABLE, raising=False)
    assert platforms.platform_of([]) == "linux/amd64"
    assert platforms.platform_of([node("arm64"), node("arm64"), node("amd64", "windows")]) == "linux/arm64"

    mixed = [node("arm64"), node("amd64"), node("amd64")]
    with pytest.raises(ClusterError, match="2 amd64 and 1 arm64.*SWITCHYARD_PLATFORM=linux/amd64"):
        platforms.platform_of(mixed)
    monkeypatch.setenv(platforms.VARIABLE, "linux/arm64")
    assert platforms.platform_of(mixed) == "linux/arm64"
    monkeypatch.setenv(platforms.VARIABLE, "arm")
    with pytest.raises(InputError, match="SWITCHYARD_PLATFORM=arm"):
        platforms.platform_of(mixed)


def test_the_front_doors_image_has_all_that_its_process_imports(tmp_path):
    """With the standard library alone, as in the image."""
    for line in (images.ROOT / images.DOCKERFILES["frontdoor"]).read_text().splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and "--from" not in line and words[-1].startswith("/opt/switchyard/"):
            target = tmp_path / words[-1].removeprefix("/opt/switchyard/")
            target.mkdir(parents=True, exist_ok=True)
            for source in (images.ROOT / name for name in words[1:-1]):
                if source.is_dir():
                    shutil.copytree(source, target, dirs_exist_ok=True)
                else:
                    shutil.copy(source, target)
    code = "import switchyard.serving, switchyard.serving.frontdoor.pod; print(switchyard.serving.__file__)"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0 and done.stdout.strip() == str(tmp_path / "switchyard/serving/__init__.py"), done.stderr
