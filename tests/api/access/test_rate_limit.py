"""The per-client rate limit."""

from pathlib import Path

from starlette.testclient import TestClient

from scene_model.api import create_app
from scene_model.api.access.buckets import Buckets
from scene_model.config import Settings
from scene_model.visitors.tokens import new_token
from tests.api.conftest import problem_of


def test_a_bucket_empties_and_fills_evenly() -> None:
    now = [0.0]
    buckets = Buckets(60, lambda: now[0])
    assert [buckets.take("a") for _ in range(60)] == [0.0] * 60
    assert buckets.take("a") == 1.0
    assert buckets.take("b") == 0.0
    now[0] = 0.75
    assert buckets.take("a") == 0.25
    now[0] = 1.5
    assert buckets.take("a") == 0.0
    assert buckets.take("a") == 0.5
    now[0] = 1_000.0
    assert [buckets.take("a") for _ in range(61)] == [0.0] * 60 + [1.0]


def test_the_number_of_buckets_is_limited() -> None:
    now = [0.0]
    buckets = Buckets(1, lambda: now[0])
    for number in range(10_500):
        now[0] += 0.001
        buckets.take(str(number))
    assert len(buckets._buckets) <= 10_000
    # Recent callers are still counted.
    assert buckets.take("10499") > 0


def test_each_caller_has_its_own_rate(tmp_path: Path) -> None:
    (mine, entry), (other, other_entry) = new_token("mine"), new_token("other")
    (first, first_entry) = new_token("first")
    settings = Settings(
        library=tmp_path / "library",
        workers=1,
        api_tokens=f"{entry},{other_entry},{first_entry}",
        api_rate_per_minute=3,
        trust_loopback=True,
    )
    with TestClient(create_app(settings)) as test_client:
        at = ("127.0.0.1", 1)
        client = TestClient(test_client.app, base_url="http://localhost", client=at)
        # Open the model first: that may take long enough for a bucket to refill by one request.
        client.get("/api/photos", headers={"authorization": f"Bearer {first}"})
        for caller in (
            {"authorization": f"Bearer {mine}"},
            {"authorization": f"Bearer {other}"},
            {},
        ):
            responses = [client.get("/api/photos", headers=caller) for _ in range(5)]
            assert [response.status_code for response in responses] == [200, 200, 200, 429, 429]
            assert "SCENE_API_RATE_PER_MINUTE" in problem_of(responses[-1], 429)
            assert 1 <= int(responses[-1].headers["retry-after"]) <= 60
            assert client.get("/api/health", headers=caller).status_code == 200
