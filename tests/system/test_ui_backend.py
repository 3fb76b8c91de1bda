"""What the web UI stands on: its files, signing in, who may do what from which page, news, searches, health."""
import concurrent.futures
import gzip
import http.client
import json
import pathlib
import re
import socket
import time

import pytest
import requests

from server import run, until, up

ROOT = pathlib.Path(__file__).resolve().parents[2]
API = "/api/millrace/v1"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A built UI, as Vite leaves it."""
    folder = tmp_path_factory.mktemp("ui")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text('<!doctype html><script type="module" src="/ui/assets/main-1.js"></script>')
    (folder / "assets" / "main-1.js").write_text("document.title = 'Millrace'\n")
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "out.txt").symlink_to("../secret.txt")
    return folder


@pytest.fixture(scope="module")
def locked(tmp_path_factory, pages):
    """A server on which nobody is let in without a token, and a token of each role."""
    state = tmp_path_factory.mktemp("locked") / "state"
    server = up(state, "--require-login", "--ui-dir", pages)
    tokens = {}
    for role in ("reader", "writer", "approver", "admin"):
        made = run("token", "create", "--subject", f"the-{role}", "--role", role, "--json", state=state)
        assert made.returncode == 0, made.stderr
        tokens[role] = json.loads(made.stdout)
    yield server, tokens
    assert server.stop() == 0


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A server as a person starts it on their own machine."""
    server = up(tmp_path_factory.mktemp("local") / "state")
    yield server
    assert server.stop() == 0


def origin(server):
    return {"Origin": server.url}


def sign_in(server, token, **headers):
    """A browser: it keeps the cookie and names its page."""
    browser = requests.Session()
    browser.headers.update({**origin(server), **headers})
    answer = browser.post(server.url + API + "/session", json={"token": token["token"]}, timeout=60)
    assert answer.status_code == 200, answer.text
    return browser


# Files

def test_pages_and_assets_need_no_login_and_carry_their_guards(locked):
    server, _ = locked
    page = requests.get(server.url + "/ui/models/late", timeout=60)
    assert page.status_code == 200 and "main-1.js" in page.text
    assert page.headers["Cache-Control"] == "no-store" and page.headers["X-Content-Type-Options"] == "nosniff"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "script-src 'self';" in policy
    asset = requests.get(server.url + "/ui/assets/main-1.js", timeout=60)
    assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = requests.get(server.url + "/ui/assets/main-1.js", headers={"If-None-Match": asset.headers["ETag"]}, timeout=60)
    assert again.status_code == 304 and not again.content
    assert requests.head(server.url + "/ui/assets/main-1.js", timeout=60).headers["Content-Length"] == str(len(asset.content))
    assert requests.get(server.url + "/ui/assets/main-0.js", timeout=60).status_code == 404


def test_no_path_leaves_the_folder_of_the_ui(locked):
    server, _ = locked
    host, port = server.address.rsplit(":", 1)
    for path in ("/ui/out.txt", "/ui/../secret.txt", "/ui/%2e%2e/secret.txt", "/ui/assets/..%2f..%2fsecret.txt", "/ui//secret.txt", "/ui/..%5csecret.txt"):
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.putrequest("GET", path, skip_host=False)
        connection.endheaders()
        answer = connection.getresponse()
        assert b"secret\n" not in (body := answer.read()) and body != b"secret", path
        connection.close()


def test_a_ui_folder_that_is_not_there_is_named(tmp_path):
    done = run("up", "--ui-dir", tmp_path / "nowhere", "--http", "127.0.0.1:0", state=tmp_path / "state")
    assert done.returncode == 3 and "nowhere" in done.stderr and "npm run build" in done.stderr


def test_a_browser_is_sent_to_the_ui_and_a_client_is_not(local):
    browser = requests.get(local.url + "/", headers={"Accept": "text/html,*/*"}, allow_redirects=False, timeout=60)
    assert browser.status_code == 302 and browser.headers["Location"] == "/ui/"
    client = requests.get(local.url + "/", timeout=60)
    assert client.status_code == 404 and client.json()["detail"] == "there is no GET /"


def test_the_program_holds_the_ui_that_the_tree_has(local):
    page = requests.get(local.url + "/ui/", timeout=60)
    if not (ROOT / "web" / "package.json").exists():
        assert page.status_code == 404 and "--ui-dir" in page.json()["hint"]
        return
    assert page.status_code == 200 and "<html" in page.text
    nonce = re.search(r"style-src 'self' 'nonce-([0-9a-f]+)'", page.headers["Content-Security-Policy"])
    assert nonce is None or nonce[1] in page.text
    assets = re.findall(r'"(/ui/assets/[^"]+)"', page.text)
    assert assets
    for path in assets:
        plain = requests.get(local.url + path, headers={"Accept-Encoding": "identity"}, timeout=60)
        packed = requests.get(local.url + path, headers={"Accept-Encoding": "gzip"}, timeout=60, stream=True)
        assert plain.status_code == 200 and "immutable" in plain.headers["Cache-Control"]
        if packed.headers.get("Content-Encoding") == "gzip":
            assert gzip.decompress(packed.raw.read()) == plain.content
        brotli = requests.head(local.url + path, headers={"Accept-Encoding": "br"}, timeout=60)
        assert int(brotli.headers["Content-Length"]) <= len(plain.content)


# Signing in

def test_nobody_is_local_where_a_login_is_required(locked):
    server, _ = locked
    answer = requests.get(server.url + API + "/session", timeout=60)
    assert answer.status_code == 401 and "sign in" in answer.json()["hint"]
    assert requests.post(server.url + "/api/2.0/mlflow/experiments/search", json={"max_results": 1}, timeout=60).status_code == 401
    assert requests.get(server.url + "/health", timeout=60).status_code == 200


def test_a_token_becomes_a_cookie_that_scripts_cannot_read(locked):
    server, tokens = locked
    answer = requests.post(server.url + API + "/session", json={"token": tokens["writer"]["token"]}, headers=origin(server), timeout=60)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["subject"] == "the-writer" and body["roles"] == ["writer"] and body["permissions"] == ["read", "write"]
    assert body["workspace"] == "default" and body["via"] == "native" and body["local"] is False
    assert body["session"]["id"] and body["session"]["created_at"] < body["session"]["expires_at"]
    cookie = answer.headers["Set-Cookie"]
    name, value = cookie.split(";")[0].split("=")
    assert name == "millrace_session" and re.fullmatch("[0-9a-f]{64}", value)
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/;" in cookie and "Secure" not in cookie
    assert value not in answer.text and answer.headers["Cache-Control"] == "no-store"
    behind = requests.post(server.url + API + "/session", json={"token": tokens["writer"]["token"]},
                           headers={**origin(server), "X-Forwarded-Proto": "https"}, timeout=60)
    assert "Secure" in behind.headers["Set-Cookie"]


@pytest.mark.parametrize("role,may", [("reader", []), ("writer", ["write"]), ("approver", ["approve"]), ("admin", ["write", "approve", "admin"])])
def test_a_session_may_what_its_token_may(locked, role, may):
    server, tokens = locked
    browser = sign_in(server, tokens[role])
    me = browser.get(server.url + API + "/session", timeout=60).json()
    assert me["permissions"] == ["read", *may] and me["session"]["id"]
    made = browser.post(server.url + "/api/2.0/mlflow/experiments/create", json={"name": f"by-{role}"}, timeout=60)
    assert made.status_code == (200 if "write" in may else 403), made.text
    tokens_list = browser.get(server.url + API + "/tokens", timeout=60)
    assert tokens_list.status_code == (200 if role == "admin" else 403)


def test_every_route_keeps_its_permission_for_a_session(locked):
    server, tokens = locked
    document = requests.get(server.url + API + "/openapi.json", headers={"Authorization": f"Bearer {tokens['reader']['token']}"}, timeout=60).json()
    browser, tried = sign_in(server, tokens["reader"]), 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation["x-permission"] in ("open", "reader"):
                continue
            answer = browser.request(method, server.url + path.replace("{", "").replace("}", ""), timeout=60)
            assert answer.status_code == 403 and operation["x-permission"] in answer.json()["detail"], (method, path, answer.text)
            tried += 1
    assert tried > 15


def test_a_cookie_alone_changes_nothing(locked):
    server, tokens = locked
    cookies = sign_in(server, tokens["admin"]).cookies
    url = server.url + "/api/2.0/mlflow/experiments/create"

    def create(**headers):
        return requests.post(url, json={"name": "forged"}, cookies=cookies, headers=headers, timeout=60)
    silent = create()
    assert silent.status_code == 403 and "which page" in silent.text
    for forged in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": server.url.replace("127.0.0.1", "localhost")},
                   {"Origin": server.url + "0"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}):
        assert create(**forged).status_code == 403, forged
    names = requests.post(server.url + "/api/2.0/mlflow/experiments/search", json={"max_results": 100}, cookies=cookies, headers=origin(server), timeout=60).text
    assert "forged" not in names
    assert create(**{"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert requests.get(server.url + API + "/status", cookies=cookies, timeout=60).status_code == 200, "reading needs no Origin"


def test_signing_out_ends_the_cookie_everywhere(locked):
    server, tokens = locked
    browser = sign_in(server, tokens["reader"])
    stolen = dict(browser.cookies)
    answer = browser.delete(server.url + API + "/session", timeout=60)
    assert answer.status_code == 200 and "Max-Age=0" in answer.headers["Set-Cookie"]
    again = requests.get(server.url + API + "/session", cookies=stolen, timeout=60)
    assert again.status_code == 401 and "ended" in again.json()["detail"]


def test_a_session_ends_with_its_token(locked):
    server, tokens = locked
    admin = sign_in(server, tokens["admin"])
    made = admin.post(server.url + API + "/tokens", json={"subject": "brief", "roles": ["reader"]}, timeout=60).json()
    brief = sign_in(server, made)
    assert brief.get(server.url + API + "/session", timeout=60).status_code == 200
    assert admin.delete(server.url + API + f"/tokens/{made['id']}", timeout=60).status_code == 200
    assert brief.get(server.url + API + "/session", timeout=60).status_code == 401


def test_sessions_are_seen_and_ended_by_their_owner_and_by_admins(locked):
    server, tokens = locked
    reader, writer, admin = (sign_in(server, tokens[role], **{"User-Agent": role}) for role in ("reader", "writer", "admin"))
    mine = reader.get(server.url + API + "/sessions", timeout=60).json()
    assert {item["subject"] for item in mine["items"]} == {"the-reader"} and mine["total"] == len(mine["items"])
    assert [item["agent"] for item in mine["items"] if item["current"]] == ["reader"]
    everybody = admin.get(server.url + API + "/sessions", params={"limit": 500}, timeout=60).json()
    assert {"the-reader", "the-writer", "the-admin"} <= {item["subject"] for item in everybody["items"]}
    one = admin.get(server.url + API + "/sessions", params={"limit": 1}, timeout=60).json()
    two = admin.get(server.url + API + "/sessions", params={"limit": 1, "after": one["next"]}, timeout=60).json()
    assert one["items"][0]["id"] != two["items"][0]["id"] and one["total"] == two["total"]
    its = writer.get(server.url + API + "/session", timeout=60).json()["session"]["id"]
    assert reader.delete(server.url + API + f"/sessions/{its}", timeout=60).status_code == 404
    assert admin.delete(server.url + API + f"/sessions/{its}", timeout=60).status_code == 200
    assert writer.get(server.url + API + "/session", timeout=60).status_code == 401


def test_signing_in_again_takes_the_place_of_the_session_before(locked):
    server, tokens = locked
    browser = sign_in(server, tokens["reader"])
    before = dict(browser.cookies)
    assert browser.post(server.url + API + "/session", json={"token": tokens["writer"]["token"]}, timeout=60).json()["subject"] == "the-writer"
    assert requests.get(server.url + API + "/session", cookies=before, timeout=60).status_code == 401


def test_an_old_cookie_does_not_keep_anybody_out(locked):
    server, tokens = locked
    old = {"millrace_session": "0" * 64}
    assert requests.get(server.url + "/ui/", cookies=old, timeout=60).status_code == 200
    assert requests.post(server.url + API + "/session", json={"token": tokens["reader"]["token"]}, cookies=old, headers=origin(server), timeout=60).status_code == 200


@pytest.mark.parametrize("body", ['{"token": 5}', '{"token": ""}', "{}", "[]", '{"tokn": "x"}', '{"token": "x"'])
def test_a_sign_in_that_is_none_is_told_why(locked, body):
    server, _ = locked
    answer = requests.post(server.url + API + "/session", data=body, headers=origin(server), timeout=60)
    assert answer.status_code == 400 and answer.json()["detail"]


def test_wrong_tokens_make_an_address_wait(locked):
    server, tokens = locked

    def attempt(token, address):
        return requests.post(server.url + API + "/session", json={"token": token}, headers={**origin(server), "X-Forwarded-For": address}, timeout=60)
    assert [attempt("mr_wrong", "192.0.2.50").status_code for _ in range(5)] == [401] * 5
    statuses, refused = [], {}

    def waits_long():
        """Keeps no answer: each would keep its connection."""
        nonlocal refused
        with attempt("mr_wrong", "192.0.2.50") as answer:
            statuses.append(answer.status_code)
            refused = answer.json()
            return int(answer.headers.get("Retry-After", "0")) >= 4
    until(waits_long)
    assert statuses[-1] == refused["status"] == 429 and "try again in" in refused["hint"] and "192.0.2.50" in refused["detail"]
    assert statuses.count(401) <= 3, "each wrong one makes it wait twice as long"
    assert attempt(tokens["reader"]["token"], "192.0.2.50").status_code == 429, "a right one waits too"
    assert attempt(tokens["reader"]["token"], "192.0.2.51").status_code == 200


# Other sites' pages, on a machine that needs no token

def test_on_ones_own_machine_nobody_signs_in(local):
    me = requests.get(local.url + API + "/session", timeout=60).json()
    assert me["local"] is True and me["session"] is None and me["subject"].startswith("local:") and "admin" in me["permissions"]
    assert requests.delete(local.url + API + "/session", timeout=60).status_code == 404


@pytest.mark.parametrize("path,body", [(API + "/tokens", {"subject": "evil", "roles": ["admin"]}), ("/api/2.0/mlflow/experiments/create", {"name": "evil"}),
                                       ("/v2/repository/models/m/unload", {})])
def test_a_page_of_another_site_changes_nothing_here(local, path, body):
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = requests.post(local.url + path, json=body, headers=headers, timeout=60)
        assert answer.status_code == 403 and "other sites" in answer.text, (headers, answer.text)
    port = local.address.rsplit(":", 1)[1]
    rebound = requests.post(local.url + path, json=body, headers={"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}, timeout=60)
    assert rebound.status_code == 401 and "evil.example" in rebound.text, "a name that was bound to this machine anew"
    assert "evil" not in requests.get(local.url + API + "/tokens", timeout=60).text


def test_a_proxys_client_is_not_this_machines_user(local):
    answer = requests.get(local.url + API + "/status", headers={"X-Forwarded-For": "192.0.2.9"}, timeout=60)
    assert answer.status_code == 401 and "proxy" in answer.json()["detail"]


# News

def newest(server):
    return requests.get(server.url + API + "/changes", timeout=60).json()["next"]


def experiment(server, name):
    made = requests.post(server.url + "/api/2.0/mlflow/experiments/create", json={"name": name}, timeout=60)
    assert made.status_code == 200, made.text


def test_changes_tell_what_happened_after(local):
    experiment(local, "with the default one")
    before = newest(local)
    experiment(local, "news")
    answer = requests.get(local.url + API + "/changes", params={"after": before}, timeout=60).json()
    assert [item["kind"] for item in answer["items"]] == ["experiment.created"] and answer["next"] == before + 1 and answer["skipped"] is False
    assert set(answer["items"][0]) == {"sequence", "kind", "node", "subject", "at"}
    assert requests.get(local.url + API + "/changes", params={"after": 10**9}, timeout=60).json()["skipped"] is True
    for bad in ({"after": "x"}, {"after": -1}, {"after": 0, "wait": 26}, {"after": 0, "wait": "long"}):
        assert requests.get(local.url + API + "/changes", params=bad, timeout=60).status_code == 400, bad


def test_a_change_wakes_those_who_wait_and_nobody_is_held_up_meanwhile(local):
    """More wait than there are threads; others are answered at once, and the waiting ones when something happens."""
    start, count = newest(local), 60
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        waiting = [pool.submit(requests.get, local.url + API + "/changes", params={"after": start, "wait": 25}, timeout=40) for _ in range(count)]
        for _ in range(50):
            assert requests.get(local.url + API + "/status", timeout=60).status_code == 200
        assert not any(each.done() for each in waiting), "whom they hold up is answered when they are"
        experiment(local, "wakes")
        for each in waiting:
            answer = each.result(timeout=60)
            assert [item["kind"] for item in answer.json()["items"]] == ["experiment.created"]
            assert answer.elapsed.total_seconds() < 25, "the change has woken nobody"


def test_nothing_new_is_said_after_the_time(local):
    after = newest(local)
    answer = requests.get(local.url + API + "/changes", params={"after": after, "wait": 1}, timeout=60)
    assert answer.json() == {"next": after, "items": [], "skipped": False} and answer.headers["Cache-Control"] == "no-store"


def test_more_waiting_requests_than_the_limit_are_refused_and_those_that_leave_make_room(local):
    host, port = local.address.rsplit(":", 1)
    refused = None

    def is_full():
        nonlocal refused
        refused = requests.get(local.url + API + "/changes", params={"after": newest(local), "wait": 1}, timeout=60)
        return refused.status_code == 503

    def fills():
        """A line of the journal in between answers those that wait: then once more."""
        ask = f"GET {API}/changes?after={newest(local)}&wait=25 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        held = [socket.create_connection((host, int(port)), timeout=60) for _ in range(256)]
        try:
            for connection in held:
                connection.sendall(ask)
            return any(is_full() for _ in range(20))
        finally:
            for connection in held:
                connection.close()
    until(fills)
    assert "256" in refused.json()["detail"] and refused.headers["Retry-After"]
    until(lambda: not is_full())


def test_a_server_that_stops_answers_who_waits(tmp_path):
    server = up(tmp_path / "state")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        held = pool.submit(requests.get, server.url + API + "/changes", params={"after": newest(server), "wait": 25}, timeout=40)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 20, "it waits until nobody waits"
        assert held.exception() is not None or held.result().status_code == 200


# Searches

@pytest.fixture(scope="module")
def filled(local):
    """Experiments and runs to be found."""
    made = requests.post(local.url + "/api/2.0/mlflow/experiments/create", json={"name": "Flights late"}, timeout=60).json()
    runs = {}
    for name, tags in (("late-lgbm", {"team": "fraud"}), ("late-xgb", {}), ("100%_sure", {})):
        body = {"experiment_id": made["experiment_id"], "run_name": name, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
        runs[name] = requests.post(local.url + "/api/2.0/mlflow/runs/create", json=body, timeout=60).json()["run"]["info"]["run_id"]
    requests.post(local.url + "/api/2.0/mlflow/registered-models/create", json={"name": "late"}, timeout=60)
    return local, runs


def found(server, text, **more):
    answer = requests.get(server.url + API + "/search", params={"q": text, **more}, timeout=60)
    assert answer.status_code == 200, answer.text
    return [(item["kind"], item["title"]) for item in answer.json()["items"] if item["kind"] != "audit"]


def test_one_search_finds_names_ids_and_tags(filled):
    server, runs = filled
    assert found(server, "late")[0] == ("model", "late"), "the exact name is first"
    assert set(found(server, "late")) == {("model", "late"), ("run", "late-lgbm"), ("run", "late-xgb"), ("experiment", "Flights late")}
    assert found(server, "LGBM") == [("run", "late-lgbm")]
    assert found(server, runs["late-xgb"]) == found(server, runs["late-xgb"][:12]) == [("run", "late-xgb")]
    assert found(server, "fra") == found(server, "team=fraud") == [("run", "late-lgbm")]
    assert found(server, "100%_") == [("run", "100%_sure")] and found(server, "0%s") == [], "no sign stands for others"
    assert len(found(server, "late", limit=2)) == 2
    items = requests.get(server.url + API + "/search", params={"q": "late-lgbm"}, timeout=60).json()["items"]
    assert items[0]["node"] == "run:" + items[0]["id"] == "run:" + runs["late-lgbm"]
    assert any(item["kind"] == "audit" for item in requests.get(server.url + API + "/search", params={"q": "experiment"}, timeout=60).json()["items"])


@pytest.mark.parametrize("params", [{}, {"q": ""}, {"q": "x" * 201}, {"q": "x", "limit": 0}, {"q": "x", "limit": 101}, {"q": "x", "limit": "many"}])
def test_a_search_that_is_none_is_refused(local, params):
    answer = requests.get(local.url + API + "/search", params=params, timeout=60)
    assert answer.status_code == 400 and answer.json()["where"]["field"] in ("q", "limit"), answer.text


def test_a_workspace_finds_only_its_own(filled):
    server, _ = filled
    answer = requests.get(server.url + API + "/search", params={"q": "late"}, headers={"X-MLFLOW-WORKSPACE": "elsewhere"}, timeout=60)
    assert answer.json()["items"] == []


def test_the_audit_is_searched_newest_first_in_pages(filled):
    server, runs = filled
    url = server.url + API + "/audit/search"
    every = requests.get(server.url + API + "/audit", timeout=60).json()["items"]
    page, seen = requests.get(url, params={"limit": 3}, timeout=60).json(), []
    while True:
        seen += page["items"]
        assert page["total"] == len(every) and page["total_is_exact"]
        if page["next"] is None:
            break
        page = requests.get(url, params={"limit": 3, "after": page["next"]}, timeout=60).json()
    assert seen == every[::-1], "the same lines, the other way round"
    run_id = runs["late-lgbm"]
    of_run = requests.get(url, params={"node": f"run:{run_id}"}, timeout=60).json()
    assert of_run["items"] and {item["node"] for item in of_run["items"]} == {f"run:{run_id}"}
    assert requests.get(url, params={"q": run_id[:10]}, timeout=60).json()["items"][0]["node"] == f"run:{run_id}"
    assert requests.get(url, params={"to": "2001-01-01"}, timeout=60).json() == {"items": [], "next": None, "total": 0, "total_is_exact": True}
    kinds = requests.get(server.url + API + "/audit/kinds", timeout=60).json()
    counted = {item["kind"]: item["lines"] for item in kinds["kinds"]}
    assert counted["run.created"] == 3 and sum(counted.values()) == sum(item["lines"] for item in kinds["subjects"]) == len(every)
    created = requests.get(url, params={"kind": "run.created"}, timeout=60).json()
    assert created["total"] == 3 and {item["kind"] for item in created["items"]} == {"run.created"}
    for bad in ({"limit": 501}, {"from": "yesterday"}, {"from": "2020-02-01", "to": "2020-01-01"}, {"after": "x"}, {"q": "y" * 300}):
        refused = requests.get(url, params=bad, timeout=60)
        assert refused.status_code == 400 and refused.json()["detail"], bad


# Views

def test_views_are_kept_for_their_owner_and_shared_by_writers(locked):
    server, tokens = locked
    reader, writer, admin = (sign_in(server, tokens[role]) for role in ("reader", "writer", "admin"))
    url = server.url + API + "/views"
    mine = reader.post(url, json={"page": "runs", "name": "best", "state": {"order": "metrics.auc DESC"}}, timeout=60)
    assert mine.status_code == 201, mine.text
    mine = mine.json()
    assert mine["owner"] == "the-reader" and mine["shared"] is False and mine["state"] == {"order": "metrics.auc DESC"}
    assert reader.post(url, json={"page": "runs", "name": "best", "state": {}}, timeout=60).status_code == 409
    assert reader.post(url, json={"page": "runs", "name": "ours", "state": {}, "shared": True}, timeout=60).status_code == 403
    ours = writer.post(url, json={"page": "runs", "name": "ours", "state": {}, "shared": True}, timeout=60).json()
    assert [item["name"] for item in reader.get(url, params={"page": "runs"}, timeout=60).json()["items"]] == ["best", "ours"]
    assert [item["name"] for item in writer.get(url, params={"page": "runs"}, timeout=60).json()["items"]] == ["ours"]
    assert reader.get(url, params={"page": "models"}, timeout=60).json() == {"items": [], "next": None, "total": 0}
    assert reader.put(f"{url}/{ours['id']}", json={"page": "runs", "name": "mine", "state": {}}, timeout=60).status_code == 403
    assert writer.delete(f"{url}/{mine['id']}", timeout=60).status_code == 404, "others' views are not there"
    changed = reader.put(f"{url}/{mine['id']}", json={"page": "runs", "name": "better", "state": {"x": 1}}, timeout=60).json()
    assert changed["name"] == "better" and changed["id"] == mine["id"] and changed["updated_at"] >= mine["updated_at"]
    assert admin.delete(f"{url}/{ours['id']}", timeout=60).status_code == 200
    assert reader.delete(f"{url}/{mine['id']}", timeout=60).status_code == 200
    assert reader.get(url, timeout=60).json()["total"] == 0


@pytest.mark.parametrize("body,status", [({"page": "runs", "name": "x"}, 400), ({"page": "../x", "name": "x", "state": {}}, 400), ({"page": "runs", "name": "", "state": {}}, 400),
                                         ({"page": "runs", "name": "x", "state": []}, 400), ({"page": "runs", "name": "x", "state": {"a": "y" * 70_000}}, 413),
                                         ({"page": "runs", "name": "x", "state": {}, "shared": "yes"}, 400), ({"page": "runs", "name": "n" * 251, "state": {}}, 400)])
def test_a_view_that_is_none_is_refused(local, body, status):
    answer = requests.post(local.url + API + "/views", json=body, timeout=60)
    assert answer.status_code == status and answer.json()["detail"], answer.text


# Health

def test_health_tells_each_part(local):
    health = requests.get(local.url + API + "/health/details", timeout=60).json()
    checks = {check["name"]: check for check in health["checks"]}
    assert {"store", "blobs", "disk", "journal", "jobs", "serving", "clock"} <= set(checks)
    assert all(check["state"] in ("ok", "warn", "fail") and check["text"] for check in checks.values())
    assert checks["store"]["state"] == checks["journal"]["state"] == checks["clock"]["state"] == "ok"
    assert health["http"] == local.address and health["grpc"] == "" and health["uptime_s"] >= 0 and health["version"]
    assert health["store"]["engine"] == "sqlite" and health["store"]["size_bytes"] > 0
    assert 0 < health["disk"]["free_bytes"] <= health["disk"]["total_bytes"]
    assert set(health["jobs"]) == {"waiting", "running", "failed"}
