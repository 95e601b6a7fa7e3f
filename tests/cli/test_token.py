"""The command `token NAME`, and how `serve` validates SCENE_API_TOKENS."""

import pytest

from scene_model.cli.main import main
from scene_model.errors import EXIT_DONE, EXIT_USAGE
from scene_model.visitors.tokens import Tokens


def test_a_token_and_its_entry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "grandma"]) == EXIT_DONE
    output = capsys.readouterr()
    fields = dict(line.split(": ", 1) for line in output.out.splitlines())
    assert set(fields) == {"token", "entry"}
    assert Tokens.read(fields["entry"]).name_of(fields["token"]) == "grandma"
    assert fields["token"] not in output.err
    assert main(["token", "grand ma"]) == EXIT_USAGE
    assert "'grand ma' is not a token name" in capsys.readouterr().err


def test_serve_does_not_start_with_tokens_it_cannot_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENE_API_TOKENS", "grandma:secret")
    assert main(["serve"]) == EXIT_USAGE
    output = capsys.readouterr().err
    assert "SCENE_API_TOKENS: entry 1" in output
    assert "secret" not in output


def test_a_token_of_one_of_several_servers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENE_SERVER_NAME", "a")
    assert main(["token", "script"]) == EXIT_DONE
    fields = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert fields["token"].startswith("a.scene_")
    assert Tokens.read(fields["entry"]).name_of(fields["token"]) == "script"


@pytest.mark.parametrize("name", ["A", "a.b", "a b", "a\n", "x" * 33])
def test_names_of_servers(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENE_SERVER_NAME", name)
    assert main(["token", "script"]) == EXIT_USAGE
    assert "SCENE_SERVER_NAME is" in capsys.readouterr().err
