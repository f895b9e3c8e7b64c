import stat
from pathlib import Path

import pytest

from chat_app.settings import Settings, child_environment, load_settings, read_secret_key


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "seventy"),
        ("PORT", "70000"),
        ("HOST", "0.0.0.0"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "postgresql://h:seventy/d"),
        ("DATABASE_URL", "postgresql://me:s3cret/x@db/chat"),
        ("DATABASE_URL", "sqlite+aiosqlite://s3cret/bar.db"),
        ("DATABASE_URL", "postgresql://me:s3cret@db/chat?colour=red"),
        ("REDIS_URL", "http://x"),
        ("REDIS_URL", "redis://:s3cret@h:seventy/0"),
        ("OPENAI_BASE_URL", "http://[::1"),
        ("OPENAI_BASE_URL", "localhost:1"),
        ("VLLM_BASE_URL", "http://a/v1,b/v1"),
        ("CORS_ORIGINS", "https://tool.example,*"),
        ("CORS_ORIGINS", "https://tool.example/page"),
        ("LOG_LEVEL", "loud"),
        ("IDLE_TIMEOUT_S", "0"),
        ("MAX_MESSAGE_CHARS", "-1"),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_line_that_names_it(name, value, monkeypatch):
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as stopped:
        load_settings()

    assert str(stopped.value).startswith(name)
    assert "\n" not in str(stopped.value)
    assert "s3cret" not in str(stopped.value)


def test_the_usual_name_of_postgresqls_encryption_is_understood(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:s3%40cret@db/chat?sslmode=require&command_timeout=9")

    wanted = "postgresql+asyncpg://me:s3%40cret@db/chat?ssl=require&command_timeout=9"
    assert load_settings().database == wanted


def test_workers_without_redis_are_refused(monkeypatch):
    monkeypatch.setenv("WORKERS", "2")

    with pytest.raises(SystemExit, match="WORKERS above 1 needs REDIS_URL"):
        load_settings()


def test_a_heartbeat_that_the_reaper_would_miss_is_refused(monkeypatch):
    monkeypatch.setenv("HEARTBEAT_S", "10")

    with pytest.raises(SystemExit, match="REAP_AFTER_S"):
        load_settings()


def test_a_checkpoint_rarer_than_the_heartbeat_is_refused(monkeypatch):
    monkeypatch.setenv("CHECKPOINT_S", "6")

    with pytest.raises(SystemExit, match="CHECKPOINT_S"):
        load_settings()


def test_settings_come_from_a_dotenv_file_and_an_empty_one_means_the_default(tmp_path):
    (tmp_path / ".env").write_text("PORT=4001\nOPENAI_API_KEY=\nVLLM_BASE_URL=http://a/v1/, http://b/v1\n")

    settings = load_settings()

    assert (settings.port, settings.vllm_base_url) == (4001, ("http://a/v1", "http://b/v1"))


def test_a_plain_postgresql_address_gets_the_async_driver():
    assert Settings(database_url="postgresql://u@h/d").database == "postgresql+asyncpg://u@h/d"


def test_keys_do_not_show_when_settings_are_printed():
    assert "sk-fake" not in repr(Settings(openai_api_key="sk-fake", vllm_api_key="sk-fake"))


def test_a_child_finds_our_node_before_the_systems(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")

    assert child_environment(Path("/venv/bin"), A="1")["PATH"] == "/venv/bin:/usr/bin"


def test_the_secret_is_made_once_for_its_owner_alone_and_one_that_others_could_read_is_taken_back(tmp_path):
    settings = Settings.model_validate({"chat_app_data": tmp_path / "data", "secret_key": ""})
    secret = read_secret_key(settings)
    file = tmp_path / "data" / "secret_key"
    assert (len(secret), stat.S_IMODE(file.stat().st_mode)) == (64, 0o600)
    file.chmod(0o644)
    assert read_secret_key(settings) == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
