"""The guard in front of Dagster's own web server: a run that a foreign page wants deleted is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from telemetry_platform.defs.webserver import guarded, served_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = "127.0.0.1:3000"
FOREIGN = "https://evil.example"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


@pytest.fixture(scope="module")
def context(instance: dg.DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget(), version="test") as found:
        yield found


@pytest.fixture(scope="module")
def client(context: WorkspaceProcessContext) -> TestClient:
    app = guarded(context, hosts=served_hosts("127.0.0.1", 3000, ["dagster.clinic.example"]))
    return TestClient(app, base_url=f"http://{OURS}")


@pytest.fixture
def run_id(instance: dg.DagsterInstance) -> str:
    @dg.op
    def nothing() -> None:
        """Nothing."""

    @dg.job
    def kept() -> None:
        nothing()

    return kept.execute_in_process(instance=instance).run_id


def deletion(run_id: str) -> str:
    return f'mutation {{ deleteRun(runId: "{run_id}") {{ __typename }} }}'


def test_dagster_itself_obeys_a_mutation_in_a_get(
    context: WorkspaceProcessContext, instance: dg.DagsterInstance, run_id: str
) -> None:
    bare = TestClient(create_app_from_workspace_process_context(context), base_url=f"http://{OURS}")
    bare.get("/graphql", params={"query": deletion(run_id)}, headers={"Origin": FOREIGN})
    assert instance.get_run_by_id(run_id) is None


def test_the_ui_may_do_what_it_is_for(client: TestClient, instance: dg.DagsterInstance, run_id: str) -> None:
    answer = client.post("/graphql", json={"query": deletion(run_id)}, headers={"Origin": f"http://{OURS}"})
    assert answer.status_code == 200
    assert instance.get_run_by_id(run_id) is None


def test_a_client_without_origin_may_ask_in_json(client: TestClient) -> None:
    assert client.post("/graphql", json={"query": "{ version }"}).json()["data"]["version"]


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "//graphql"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_graphql_is_spoken_by_post_only(
    client: TestClient, instance: dg.DagsterInstance, run_id: str, path: str, method: str
) -> None:
    answer = client.request(method, f"http://{OURS}{path}", params={"query": deletion(run_id)})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert instance.get_run_by_id(run_id) is not None


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql", ""],
)
def test_what_a_foreign_form_can_send_is_refused(
    client: TestClient, instance: dg.DagsterInstance, run_id: str, content_type: str
) -> None:
    answer = client.post(
        "/graphql",
        params={"query": deletion(run_id)},
        content=f'{{"query": {deletion(run_id)!r}}}',
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == 415
    assert instance.get_run_by_id(run_id) is not None


@pytest.mark.parametrize(
    "origin", [FOREIGN, "null", "http://127.0.0.1:3001", "http://127.0.0.1:3000.evil.example", "127.0.0.1:3000", ""]
)
def test_a_foreign_origin_is_refused(
    client: TestClient, instance: dg.DagsterInstance, run_id: str, origin: str
) -> None:
    answer = client.post("/graphql", json={"query": deletion(run_id)}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert instance.get_run_by_id(run_id) is not None


def test_two_origins_are_one_too_many(client: TestClient) -> None:
    headers = [("Origin", f"http://{OURS}"), ("Origin", FOREIGN), ("Content-Type", "application/json")]
    assert client.post("/graphql", content='{"query": "{ version }"}', headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1", "127.0.0.1:3001", ""])
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    for answer in (
        client.post("/graphql", json={"query": "{ version }"}, headers={"Host": host}),
        client.get("/server_info", headers={"Host": host}),
    ):
        assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "dagster.clinic.example"])
def test_our_own_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/server_info", headers={"Host": host}).status_code == 200


def test_reports_of_events_are_guarded_too(client: TestClient, instance: dg.DagsterInstance) -> None:
    key = dg.AssetKey(["clickhouse", "media_events"])
    path = "/report_asset_materialization/clickhouse/media_events"
    assert client.post(path, content="{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post(path, json={}, headers={"Origin": FOREIGN}).status_code == 403
    assert instance.get_latest_materialization_event(key) is None


@pytest.mark.parametrize("headers", [{"Origin": FOREIGN}, {"Origin": "null"}, {}])
def test_a_websocket_of_a_foreign_page_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect(f"ws://{OURS}/graphql", ["graphql-ws"], headers={"Host": OURS, **headers}),
    ):
        pass
    assert refused.value.code == 1008


def test_a_websocket_to_a_foreign_host_is_refused(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(
            f"ws://{OURS}/graphql", ["graphql-ws"], headers={"Host": "evil.example", "Origin": "http://evil.example"}
        ),
    ):
        pass


def test_the_uis_own_websocket_speaks(client: TestClient) -> None:
    headers = {"Host": OURS, "Origin": f"http://{OURS}"}
    with client.websocket_connect(f"ws://{OURS}/graphql", ["graphql-ws"], headers=headers) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"


def test_pages_cannot_be_framed_or_read_by_others(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in answer.headers
    assert client.get("/logs/x.out", headers={"Origin": FOREIGN}).status_code == 403
