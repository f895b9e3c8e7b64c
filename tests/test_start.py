"""What a start says, and what stops it."""

import fcntl
import os
import shutil
import socket

import pytest

from chat_app import __main__ as start
from chat_app.__main__ import check_place, prepare, sources_hash
from chat_app.errors import StreamsUnavailable
from tests.conftest import make_settings
from tests.upstream import Upstream


async def test_a_redis_that_does_not_answer_stops_the_start(tmp_path):
    with pytest.raises(StreamsUnavailable):
        await prepare(make_settings(tmp_path, redis_url="redis://127.0.0.1:9/0"))


async def test_the_models_found_and_what_keeps_others_away_are_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(start, "_LOOK_S", 5)
    with Upstream(["echo"]).serve() as server, socket.create_server(("127.0.0.1", 0)) as silent:
        deaf = silent.getsockname()[1]
        urls = (server.url, f"http://127.0.0.1:{deaf}/v1", "http://127.0.0.1:9/v1")
        lines = await prepare(make_settings(tmp_path, vllm_base_url=urls))

    assert lines == [
        f"  echo (vLLM 127.0.0.1:{server.port})",
        "  vLLM 127.0.0.1:9: No answer from vLLM 127.0.0.1:9.",
        f"  vLLM 127.0.0.1:{deaf}: no models yet",
    ]
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.endswith("…")] == ["Migrating the database …", "Looking for models …"]


def test_a_data_folder_that_is_a_file_stops_the_start_with_one_line_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "in"):
        with pytest.raises(SystemExit, match=r"^CHAT_APP_DATA: [^\n]* cannot be used: [^\n]*$"):
            check_place(make_settings(folder))


def test_a_port_that_is_taken_stops_the_start_with_one_line_that_names_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"^PORT: {port} cannot be used on 127.0.0.1: [^\n]*$"):
            check_place(make_settings(tmp_path, port=port))


def test_a_port_of_a_server_that_just_ended_can_be_used(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            first.accept()[0].close()
    check_place(make_settings(tmp_path, port=port))


@pytest.mark.parametrize("changed", ["rxconfig.py", "uv.lock", "reflex.lock/package-lock.json", "chat_app/ui/i.jsx"])
def test_the_page_is_built_anew_when_anything_that_it_is_made_of_changed(tmp_path, changed):
    for name in ("rxconfig.py", "uv.lock", "reflex.lock/package-lock.json", "chat_app/ui/i.jsx", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    before = sources_hash(tmp_path)
    (tmp_path / "README.md").write_text("after")
    assert sources_hash(tmp_path) == before
    (tmp_path / changed).write_text("after")
    assert sources_hash(tmp_path) != before


def test_a_build_keeps_others_from_building_whatever_becomes_of_its_folder(tmp_path, monkeypatch):
    (tmp_path / "rxconfig.py").write_text("")
    monkeypatch.chdir(tmp_path)

    def build() -> None:
        shutil.rmtree(".web", ignore_errors=True)  # as Reflex does
        with start.SOURCE.open() as another, pytest.raises(BlockingIOError):
            fcntl.flock(another, fcntl.LOCK_EX | fcntl.LOCK_NB)
        built.append(1)

    built: list[int] = []
    monkeypatch.setattr(start, "_build", build)
    start.build()
    start.build()  # it lets go of it at its end

    assert len(built) == 2


def test_several_workers_begin_with_no_figures_and_touch_nothing_else(tmp_path, monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    ours = ("counter_7.db", "gauge_livesum_7.db", "histogram_12.db")
    theirs = ("chat.db", "counter_of_mine.db", "notes.db")
    for name in ours + theirs:
        (tmp_path / name).touch()
    start.share_figures(make_settings(tmp_path, prometheus_multiproc_dir=tmp_path))

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(theirs)
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path)
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
