"""A project of the genuine DVC's: what it tracks is tracked here, byte for byte, from its cache and from its files."""
import hashlib
import json
import shutil

import pytest

from server import run
from versions import contents, dvc, fill, git


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dvc") / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    dvc(folder, "init", "-q")
    fill(folder / "data" / "images", 30)
    (folder / "data" / "table.csv").write_bytes(b"a,b\r\n1,2\r\n")
    (folder / "make.py").write_text("import json, pathlib\npathlib.Path('model').mkdir(exist_ok=True)\npathlib.Path('model/weights').write_text('w')\n"
                                    "pathlib.Path('metrics.json').write_text(json.dumps({'auc': 0.7}))\n")
    dvc(folder, "add", "-q", "data/images", "data/table.csv")
    (folder / "dvc.yaml").write_text("stages:\n  train:\n    cmd: python3 make.py\n    deps: [make.py, data/table.csv]\n    outs: [model]\n"
                                     "    metrics:\n      - metrics.json: {cache: false}\n")
    dvc(folder, "repro", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")
    return folder


def copy_of(project, tmp_path):
    return shutil.copytree(project, tmp_path / "copy")


def take_over(folder, status=0):
    done = run("import", "dvc", "--json", cwd=folder)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_everything_that_dvc_keeps_is_tracked_and_comes_back(project, tmp_path):
    folder = copy_of(project, tmp_path)
    images, table = contents(folder / "data/images"), (folder / "data/table.csv").read_bytes()
    report = take_over(folder)
    assert {item["path"]: item["files"] for item in report["paths"]} == {"data/images": 30, "data/table.csv": 1, "model": 1}
    assert [item["path"] for item in report["of_git"]] == [str(folder / "metrics.json")]
    assert report["stages"] == [{"name": "train", "file": str(folder / "dvc.yaml"), "cmd": "python3 make.py", "deps": ["make.py", "data/table.csv"],
                                 "params": [], "outs": ["model", "metrics.json"]}]
    assert json.loads(run("data", "status", "--json", cwd=folder).stdout)["clean"]
    shutil.rmtree(folder / "data/images")
    (folder / "data/table.csv").unlink()
    assert run("data", "checkout", cwd=folder).returncode == 0
    assert contents(folder / "data/images") == images and (folder / "data/table.csv").read_bytes() == table
    assert "up to date" in dvc(folder, "status").lower()  # DVC agrees that nothing has changed
    assert all(not item["changed"] for item in take_over(folder)["paths"])


def test_the_cache_alone_is_enough(project, tmp_path):
    folder = copy_of(project, tmp_path)
    images = contents(folder / "data/images")
    shutil.rmtree(folder / "data/images")
    shutil.rmtree(folder / "model")
    take_over(folder)
    assert run("data", "checkout", cwd=folder).returncode == 0
    assert contents(folder / "data/images") == images and (folder / "model/weights").read_text() == "w"


def test_what_is_nowhere_is_named(project, tmp_path):
    folder = copy_of(project, tmp_path)
    (folder / "data/table.csv").write_bytes(b"edited\n")
    md5 = hashlib.md5(b"a,b\r\n1,2\r\n").hexdigest()
    (folder / f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}").unlink()
    report = take_over(folder, status=1)
    assert [(item["path"], item["md5"]) for item in report["missing"]] == [(str(folder / "data/table.csv"), md5)]
    assert len(report["paths"]) == 2


def test_files_of_dvc_2_name_texts_with_unix_line_ends(project, tmp_path):
    folder = copy_of(project, tmp_path)
    file = folder / "data/table.csv.dvc"
    text = file.read_text().replace("  hash: md5\n", "").replace(hashlib.md5(b"a,b\r\n1,2\r\n").hexdigest(), hashlib.md5(b"a,b\n1,2\n").hexdigest())
    file.write_text(text)
    report = take_over(folder)
    assert "data/table.csv" in {item["path"] for item in report["paths"]}


def test_a_folder_without_dvc_and_a_damaged_list_are_errors(project, tmp_path):
    (tmp_path / "plain").mkdir()
    assert run("import", "dvc", cwd=tmp_path / "plain").returncode == 3
    folder = copy_of(project, tmp_path)
    listed = next((folder / ".dvc/cache/files/md5").glob("*/*.dir"))
    listed.chmod(0o644)
    listed.write_text("[]")
    done = run("import", "dvc", cwd=folder)
    assert done.returncode == 7 and str(listed) in done.stderr
