"""A replay as a file: JSON with all of it, or CSV with a row for each prompt."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict

import msgspec

from chat_app.conversations.replay.replays import Pair, Report
from chat_app.conversations.replay.report import SIDES, Wins, decode_outcomes
from chat_app.conversations.replay.sets import said_in
from chat_app.messages import Json
from chat_app.store.replays import PERSON

_LETTERS = "ab"
_FIELDS = (
    "text", "error_code", "error_detail", "input_tokens", "output_tokens", "cost_micros", "first_token_ms",
    "duration_ms",
)  # fmt: skip
_FORMULAS = tuple("=+-@\t\r\n＝＋－＠")


def told(report: Report) -> dict[str, Json]:
    """A report as JSON has it: times in milliseconds, costs in micro-dollars, shares with their interval."""
    record = report.record
    return {
        "id": record.id, "created_at": record.created_at, "ended_at": record.ended_at, "set_id": record.set_id,
        "set": record.set_name, "status": record.status, "is_waiting": record.is_waiting, "prompts": record.prompts,
        "answers": record.answers, "judged": report.judged, "to_judge": report.to_judge,
        "at_once": record.at_once, "most_micros": record.most_micros, "spent_micros": record.spent_micros,
        "sides": [
            {"model": side.model, "recipe": side.recipe, **asdict(figures)}
            for side, figures in zip(report.sides, report.figures, strict=True)
        ],
        "checks": [
            {**msgspec.to_builtins(check), "passed": [_share(each) for each in held.passed],
             "counts": [dict(each) for each in held.counts]}
            for check, held in zip(report.checks, report.held, strict=True)
        ],
        "wins": {judge: _wins(wins) for judge, wins in report.wins.items()},
    }  # fmt: skip


def as_json(report: Report, pairs: Sequence[Pair]) -> bytes:
    """All of it."""
    return msgspec.json.format(msgspec.json.encode(told(report) | {"results": [_pair(pair) for pair in pairs]}))


def as_csv(report: Report, pairs: Sequence[Pair]) -> bytes:
    """A row for each prompt, in UTF-8 with a mark that spreadsheets look for; no cell is a formula."""
    judges = sorted({verdict.judge for pair in pairs for verdict in pair.verdicts})
    held = {f"{number + 1} {check.kind}": number for number, check in enumerate(report.checks) if check.kind != "judge"}
    head = ["position", "prompt", "expected"]
    for side in SIDES:
        head += [f"{_LETTERS[side]} {name}" for name in ("name", *_FIELDS, *held)]
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\r\n")
    rows.writerow(head + [f"b better by {_by(judge)}" for judge in judges])
    for pair in pairs:
        said = "\n\n".join(f"{each.role}: {each.content}" for each in said_in(pair.prompt))
        row: list[object] = [pair.prompt.position + 1, _cell(said), _cell(pair.prompt.expected)]
        for side, answer in zip(report.sides, pair.answers, strict=True):
            row.append(_cell(" · ".join(filter(None, (side.recipe, side.model)))))
            if answer is None:
                row += [""] * (len(_FIELDS) + len(held))
                continue
            values = [getattr(answer, name) for name in _FIELDS]
            row += [_cell(value) if isinstance(value, str) else value for value in values]
            outcomes = decode_outcomes(answer.checks)
            row += [outcomes[number] for number in held.values()]
        scores = {verdict.judge: verdict.score for verdict in pair.verdicts}
        rows.writerow(row + [scores.get(judge) for judge in judges])
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def _by(judge: str) -> str:
    """A judge as the head names it: "person", or a judging check by its number from 1."""
    return judge if judge == PERSON else f"{int(judge) + 1} judge"


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _pair(pair: Pair) -> dict[str, Json]:
    return {
        "position": pair.prompt.position,
        "messages": msgspec.to_builtins(said_in(pair.prompt)),
        "expected": pair.prompt.expected,
        "answers": [
            None if answer is None else {name: getattr(answer, name) for name in _FIELDS}
            | {"checks": list[Json](decode_outcomes(answer.checks))}
            for answer in pair.answers
        ],
        "verdicts": {each.judge: {"score": each.score, "note": each.note} for each in pair.verdicts},
    }  # fmt: skip


def _wins(wins: Wins) -> Json:
    return {
        "first": wins.first, "second": wins.second, "ties": wins.ties, "unread": wins.unread,
        "rate": _share(wins.rate), "cost_micros": wins.cost_micros,
    }  # fmt: skip


def _share(share: tuple[float, float, float] | None) -> Json:
    return None if share is None else list[Json](share)
