"""Files and folders by content through the real binary: deaths in the middle, damage, edits in place, remotes in a folder and in a bucket."""
import json
import os
import shutil
import signal
import subprocess

import pytest

from s3 import s3  # noqa: F401  (a fixture)
from server import BINARY, run
from shop import Shop
from versions import Work, clone, contents, fill, git

ADD_POINTS = ["versions.add.after_files", "versions.objects.before_flush", "versions.objects.before_rename", "versions.objects.between_renames",
              "versions.add.before_tracked", "versions.add.before_snapshot", "versions.record.before_name"]


@pytest.fixture
def work(tmp_path):
    return Work(tmp_path / "work")


def test_add_status_checkout_and_the_way_back(work):
    before = fill(work.folder / "data", 250, large=300_000)
    added = work.data("add", "data")
    assert added["paths"][0]["files"] == 251 and added["snapshot"].startswith("sha256:")
    assert work.states() == {"data": "clean"}
    work.data("tag", "v1")
    (work.folder / "data/part000/f000007").write_bytes(b"other")
    (work.folder / "data/part001/f000150").unlink()
    (work.folder / "data/new").write_bytes(b"new")
    status = work.data("status", status=1)
    assert {(c["path"], c["change"]) for c in status["paths"][0]["changes"]} == {
        ("part000/f000007", "modified"), ("part001/f000150", "removed"), ("new", "added")}
    work.data("add", "data", "--message", "three changes")
    diff = work.data("diff", "v1", "HEAD", status=1)
    assert {item["path"] for item in diff["files"]} == {"data/part000/f000007", "data/part001/f000150", "data/new"}
    assert [item["message"] for item in work.data("log")["items"]] == ["three changes", ""]
    work.data("checkout", "v1")
    assert contents(work.folder / "data") == before
    assert work.states() == {"data": "clean"}
    work.data("checkout", "main")
    assert (work.folder / "data/new").read_bytes() == b"new"


def test_every_way_of_editing_in_place_is_noticed_and_none_reaches_the_store(work):
    before = fill(work.folder / "data", 20, large=400_000)
    work.data("add", "data")
    for checkout in ([], ["--link"]):
        shutil.rmtree(work.folder / "data")
        work.data("checkout", "--force", *checkout)
        for name in ("part000/f000003", "large.bin"):
            path = work.folder / "data" / name
            stat = path.stat()
            if checkout and name == "large.bin":
                assert stat.st_mode & 0o222 == 0 and stat.st_nlink == 2  # not for writing; to make it so is the user's own doing
                continue
            with path.open("r+b") as file:
                file.write(b"EDIT")
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            assert work.states() == {"data": "modified"}, name
        work.data("checkout", "--force")
        assert contents(work.folder / "data") == before


def test_an_object_that_was_damaged_is_named_and_not_served(work):
    fill(work.folder / "data", 30, large=400_000)
    work.data("add", "data")
    shutil.rmtree(work.folder / "data")
    large = max((p for p in (work.store / "objects").glob("??/*")), key=lambda p: p.stat().st_size)
    pack = next((work.store / "packs").glob("*.pack"))
    for path, at in ((large, 200_000), (pack, 3_000)):
        good = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        for words in (["checkout"], ["checkout", "--link"], ["push", "--to", "remote"]):
            refused = work.data(*words, status=7)
            assert str(path) in json.dumps(refused) and "not those that were added" in refused["detail"], words
        assert not (work.folder / "data").exists() and work.half_written() == []
        path.write_bytes(good)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    work.data("checkout")


@pytest.mark.parametrize("point", ADD_POINTS)
def test_an_add_that_is_killed_leaves_nothing_half_written(work, point):
    first = fill(work.folder / "data", 150, large=300_000)
    work.data("add", "data")
    fill(work.folder / "data", 160, seed=2, large=310_000)
    work.killed_at(point, "add", "data")
    status = run("data", "status", cwd=work.folder)
    assert status.returncode in (0, 1), status.stderr
    work.data("add", "data")
    assert work.states() == {"data": "clean"} and len(work.data("log")["items"]) == 2
    work.data("checkout", "HEAD~1")
    assert contents(work.folder / "data") == first
    work.data("gc", "--yes", "--idle", "0s")
    assert list((work.store / "incoming").iterdir()) == []


def kill_when(command, folder, seen):
    """kill -9 as soon as `seen()` holds; false when the command was done first."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not seen():
        pass
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def test_kill_9_in_the_middle_of_add(work):
    before = fill(work.folder / "data", 3_000)
    incoming = work.store / "incoming"
    killed = kill_when([BINARY, "data", "add", "data"], work.folder,
                       lambda: any(path.is_file() and path.stat().st_size > 1_000_000 for path in incoming.rglob("*")) if incoming.exists() else False)
    assert killed and not (work.folder / "millrace-data.yaml").exists() and not list((work.store / "packs").iterdir())
    work.data("add", "data")
    shutil.rmtree(work.folder / "data")
    work.data("checkout")
    assert contents(work.folder / "data") == before


def test_kill_9_in_the_middle_of_checkout(work):
    before = fill(work.folder / "data", 3_000)
    work.data("add", "data")
    shutil.rmtree(work.folder / "data")
    beside = work.folder / ".millrace-data"
    assert kill_when([BINARY, "data", "checkout"], work.folder, lambda: (beside / "part010").exists() and any((beside / "part010").iterdir()))
    assert not (work.folder / "data").exists()  # all of it or nothing
    assert work.states() == {"data": "missing"}
    work.data("checkout")
    assert contents(work.folder / "data") == before and work.half_written() == []


def test_a_checkout_that_is_killed_between_files_has_old_ones_and_new_ones(work):
    first = fill(work.folder / "data", 40)
    work.data("add", "data")
    second = fill(work.folder / "data", 40, seed=2)
    work.data("add", "data")
    for visit in (1, 7, 39):
        work.killed_at(f"versions.checkout.after_file:{visit}", "checkout", "HEAD~1")
        now = {name: data for name, data in contents(work.folder / "data").items() if ".millrace-" not in name}
        assert set(now) == set(first) and all(data in (first[name], second[name]) for name, data in now.items())
        work.data("checkout", "main")
        assert contents(work.folder / "data") == second and work.half_written() == []


def test_a_checkout_that_is_killed_before_its_folder_is_in_place_leaves_none(work):
    before = fill(work.folder / "data", 40)
    work.data("add", "data")
    shutil.rmtree(work.folder / "data")
    work.killed_at("versions.checkout.before_rename", "checkout")
    assert not (work.folder / "data").exists()
    work.data("checkout")
    assert contents(work.folder / "data") == before and work.half_written() == []


def test_names_come_last_in_a_push_and_in_a_pull(work, tmp_path):
    before = fill(work.folder / "data", 40)
    work.data("add", "data")
    work.data("tag", "v1")
    remote = tmp_path / "remote"
    work.killed_at("versions.push.before_names", "push", "--to", str(remote))
    again = work.data("push", "--to", str(remote))
    assert set(again["names"]) == {"branches/main", "tags/v1"} and again["files"] == 0  # the objects were there already
    other = clone(work, tmp_path / "other")
    other.killed_at("versions.pull.before_names", "pull")
    other.data("pull")
    other.data("checkout", "v1")
    assert contents(other.folder / "data") == before


def test_a_colleague_pulls_and_checks_out(work, tmp_path):
    before = fill(work.folder / "data", 120, large=300_000)
    work.data("add", "data")
    work.data("tag", "v1")
    remote = tmp_path / "remote"
    sent = work.data("push", "--to", str(remote))
    assert sent["objects"] > 120 and sent["files"] <= 4 and set(sent["names"]) == {"branches/main", "tags/v1"}
    assert work.data("push")["objects"] == 0
    other = clone(work, tmp_path / "other")
    assert other.data("pull")["objects"] == sent["objects"]
    other.data("checkout")
    assert contents(other.folder / "data") == before and other.states() == {"data": "clean"}
    (other.folder / "data/part000/f000001").write_bytes(b"theirs")
    other.data("add", "data")
    again = other.data("push")
    assert again["objects"] == 4 and again["bytes"] < 60_000  # a file, two manifests, a snapshot
    work.data("pull")
    work.data("checkout", "main")
    assert (work.folder / "data/part000/f000001").read_bytes() == b"theirs"


def test_names_that_went_different_ways_are_refused(work, tmp_path):
    (work.folder / "data").write_text("1")
    work.data("add", "data")
    work.data("push", "--to", str(tmp_path / "remote"))
    other = clone(work, tmp_path / "other")
    other.data("pull")
    for each, text in ((work, "2"), (other, "3")):
        (each.folder / "data").write_text(text)
        each.data("add", "data")
    work.data("push")
    assert "names" in other.data("push", status=5)["detail"]
    assert other.data("pull", status=5)["detail"]
    other.data("push", "--force")


def test_what_a_remote_gives_out_wrong_is_not_taken(work, tmp_path):
    fill(work.folder / "data", 50, large=300_000)
    work.data("add", "data")
    remote = tmp_path / "remote"
    work.data("push", "--to", str(remote))
    for path in [*(remote / "packs").glob("*.pack"), max((remote / "objects").glob("??/*"), key=lambda p: p.stat().st_size)]:
        good = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(good[:5_000] + b"\0\0\0\0" + good[5_004:])
        other = clone(work, tmp_path / f"other-{path.name}")
        assert "gave out other bytes" in other.data("pull", status=7)["detail"]
        path.write_bytes(good)
        other.data("pull")
        other.data("checkout")
        assert contents(other.folder / "data") == contents(work.folder / "data")


def test_a_pull_that_is_killed_goes_on(work, tmp_path):
    before = fill(work.folder / "data", 120, large=300_000)
    work.data("add", "data")
    work.data("push", "--to", str(tmp_path / "remote"))
    other = clone(work, tmp_path / "other")
    whole = work.data("push")["there"]
    other.killed_at("versions.pull.before_finish:3", "pull")
    fetched = other.data("pull")
    assert 0 < fetched["objects"] < whole
    other.data("checkout")
    assert contents(other.folder / "data") == before


def test_push_and_pull_through_a_bucket(s3, work, tmp_path):  # noqa: F811
    work.env = s3.environment
    before = fill(work.folder / "data", 300, large=9_000_000)
    work.data("add", "data")
    work.data("tag", "v1")
    sent = work.data("push", "--to", s3.uri("/versions"))
    assert sent["remote"] == "s3://models/versions" and sent["objects"] > 300
    assert work.data("push")["files"] == 0
    other = clone(work, tmp_path / "other")
    assert other.data("pull")["objects"] == sent["objects"]
    other.data("checkout", "v1")
    assert contents(other.folder / "data") == before


def test_a_push_that_broke_off_sends_only_the_rest(s3, work):  # noqa: F811
    work.env = s3.environment
    for i in range(12):
        fill(work.folder / "data" / str(i), 0, seed=i, large=200_000)
    work.data("add", "data")
    work.killed_at("versions.push.after_file:9", "push", "--to", s3.uri("/broken"))
    rest = work.data("push", "--to", s3.uri("/broken"))
    assert 0 < rest["files"] <= 9


def test_garbage_is_only_what_nothing_names(work):
    fill(work.folder / "data", 60)
    work.data("add", "data")
    work.data("tag", "keep")
    fill(work.folder / "data", 60, seed=2)
    work.data("add", "data")
    work.data("branch", "side", "keep")
    work.data("checkout", "side")
    work.data("branch", "main", "--delete")
    assert work.data("gc")["objects"] > 60
    looked = work.data("gc", "--idle", "0s")
    assert looked["removed_files"] == 0
    assert work.data("gc", "--yes")["kept_young"] == looked["objects"]
    gone = work.data("gc", "--yes", "--idle", "0s")
    assert gone["freed_bytes"] > 200_000
    shutil.rmtree(work.folder / "data")
    work.data("checkout", "keep")
    assert work.data("gc", "--idle", "0s")["objects"] == 0


@pytest.mark.parametrize("point", ["versions.gc.marked", "versions.gc.rewritten"])
def test_a_collection_that_is_killed_loses_nothing(work, point):
    fill(work.folder / "data", 60)
    work.data("add", "data")
    for i in range(55):
        (work.folder / f"data/part000/f{i:06d}").unlink()
    work.data("add", "data")
    now = contents(work.folder / "data")
    work.data("tag", "now")
    work.data("branch", "other", "HEAD~1")
    work.data("branch", "other", "--delete")
    names = work.store / "names" / "branches" / "main"
    names.unlink()  # only the tag is left, and with it its parent: everything lives
    work.killed_at(point, "gc", "--yes", "--idle", "0s") if point.endswith("marked") else work.data("gc", "--yes", "--idle", "0s")
    shutil.rmtree(work.folder / "data")
    work.data("checkout", "now")
    assert contents(work.folder / "data") == now


def test_git_is_told_what_to_leave_out_and_the_code_is_noted(tmp_path):
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("print(1)\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "code")
    (folder / "sub").mkdir()
    (folder / "sub" / "data [1].csv").write_text("a\n1\n")
    done = run("data", "add", "data [1].csv", "--json", cwd=folder / "sub")
    assert done.returncode == 0, done.stderr
    git(folder, "add", "-A")
    assert git(folder, "diff", "--cached", "--name-only").split("\n") == ["millrace-data.yaml", "sub/.gitignore"]
    log = json.loads(run("data", "log", "--json", cwd=folder).stdout)["items"]
    assert log[0]["code"] == {"commit": git(folder, "rev-parse", "HEAD"), "dirty": False}


def test_sql_sees_a_table_as_it_was_and_nothing_else(work):
    (work.folder / "flights.csv").write_text("id,delay\n1,10\n2,20\n")
    work.data("add", "flights.csv")
    work.data("tag", "v1")
    (work.folder / "flights.csv").write_text("id,delay,carrier\n1,10,AA\n2,25,UA\n3,30,UA\n")
    work.data("add", "flights.csv")
    assert work.data("sql", "SELECT sum(delay) FROM flights@v1")["rows"] == [[30]]
    assert work.data("sql", "SELECT n.id FROM flights@HEAD n ANTI JOIN flights@v1 o USING (id)")["rows"] == [[3]]
    assert work.data("sql", "SELECT count(*) FROM \"flights.csv\"@main")["rows"] == [[3]]
    for query, status in (("SELECT * FROM read_csv('/etc/passwd')", 4), ("DROP TABLE x", 2), ("COPY (SELECT 1) TO 'x'", 4), ("SELECT * FROM flights@v9", 3),
                          ("SELECT * FROM planes@v1", 3), (f"SELECT * FROM '{work.folder}/flights.csv'", 4)):
        done = run("data", "sql", query, cwd=work.folder)
        assert done.returncode != 0, query
    table = work.data("diff", "flights@v1", "flights@HEAD")
    assert table["schema"]["added"] == {"carrier": "VARCHAR"} and table["rows"] == {"before": 2, "after": 3, "only_before": 1, "only_after": 2}
    files = work.data("diff", "v1", "HEAD", "--rows", status=1)
    assert files["files"][0]["table"]["rows"]["after"] == 3


def test_tags_name_dataset_versions_too(tmp_path):
    shop = Shop(tmp_path)

    def data(*words, status=0):
        done = run("data", *words, "--json", project=shop.folder, cwd=shop.folder)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    for name, towns in (("one.csv", "AA,Aachen\n"), ("two.csv", "AA,Aachen\nBB,Bonn\n")):
        (shop.folder / name).write_text("shop,town\n" + towns)
        data("add", "shops", name)
        data("tag", "at-" + name[:3])
    assert data("sql", "SELECT count(*) FROM shops@1")["rows"] == [[1]]
    assert data("sql", "SELECT a.n, b.n FROM (SELECT count(*) n FROM \"shops\"@at-one) a, (SELECT count(*) n FROM shops@at-two) b")["rows"] == [[1, 2]]
    data("tag", "first", "shops@1")
    assert data("diff", "shops@first", "shops@at-two")["rows"] == {"before": 1, "after": 2, "only_before": 0, "only_after": 1}
    data("add", "./one.csv")
    assert data("sql", "SELECT town FROM one@HEAD")["rows"] == [["Aachen"]]
    assert "did you mean 'shops'" in data("add", "shop", "one.csv", status=3)["hint"]


def test_wrong_words_say_the_way_out(work):
    (work.folder / "data").write_text("1")
    assert "no tag, branch or snapshot" in work.data("checkout", "nothing", status=3)["detail"]
    assert "not_found" in json.dumps(work.data("add", "absent", status=3))
    assert work.data("add", "..", status=2)["detail"]
    assert "lies outside" in work.data("add", "/etc/passwd", status=2)["detail"]
    assert work.data("push", status=2)["detail"] == "no remote is known"
    (work.folder / "millrace-data.yaml").write_text("millrace_data: 2\n")
    assert "format 2" in work.data("status", status=2)["detail"]
    for text in ("millrace_data: 1\ntracked: {\"../x\": {kind: file, digest: \"sha256:" + "0" * 64 + "\", files: 1, bytes: 1}}\n",
                 "millrace_data: 1\ntracked: {x: {kind: link}}\n", "millrace_data: 1\nother: 2\n"):
        (work.folder / "millrace-data.yaml").write_text(text)
        work.data("status", status=2)
