"""`token NAME` on the command line, and what `serve` makes of SCENE_API_TOKENS."""

import pytest

from scene_model.cli.main import main
from scene_model.errors import EXIT_DONE, EXIT_USAGE
from scene_model.visitors.tokens import Tokens


def test_a_token_and_its_entry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "grandma"]) == EXIT_DONE
    said = capsys.readouterr()
    told = dict(line.split(": ", 1) for line in said.out.splitlines())
    assert set(told) == {"token", "entry"}
    assert Tokens.read(told["entry"]).name_of(told["token"]) == "grandma"
    assert told["token"] not in said.err
    assert main(["token", "grand ma"]) == EXIT_USAGE
    assert "'grand ma' is not a token name" in capsys.readouterr().err


def test_serve_does_not_start_with_tokens_it_cannot_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENE_API_TOKENS", "grandma:secret")
    assert main(["serve"]) == EXIT_USAGE
    said = capsys.readouterr().err
    assert "SCENE_API_TOKENS: entry 1" in said
    assert "secret" not in said
