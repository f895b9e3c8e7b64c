"""Pinecone as far as the application asks it: the control plane and one index, over loopback.

What is asked is read by the SDK's own models, and what is told is what they read. Formats and limits are those of
docs.pinecone.io (API 2026-07): 2 MB and 1,000 vectors of an upsert, 1,000 ids of a deletion, 10,000 matches, metadata of
40 kB. What was written is seen a moment later, as `lag` says in requests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import numpy as np
import uvicorn
from pinecone.models.indexes.deployment import ManagedDeployment
from pinecone.models.indexes.requests import CreateIndexRequest
from pinecone.models.indexes.schema import DenseVectorField, IndexSchema
from pinecone.models.vectors.vector import Vector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.server import free_port

KEY = "pc-not-a-secret"
_MOST_BYTES, _MOST_VECTORS, _MOST_IDS, _MOST_MATCHES, _MOST_METADATA = 2_000_000, 1000, 1000, 10_000, 40_960
_TESTS: dict[str, Callable[[object, object], bool]] = {
    "$eq": lambda value, wanted: value == wanted,
    "$in": lambda value, wanted: value in wanted,
    "$nin": lambda value, wanted: value not in wanted,
    "$gte": lambda value, wanted: value >= wanted,
    "$lt": lambda value, wanted: value < wanted,
}


@dataclass
class PineconeServer:
    """The server.

    Args:
        lag: After so many requests what was written is seen.
        refusals: Answers to the next requests instead of theirs: (status, headers).
    """

    lag: int = 0
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: list[tuple[str, dict]] = field(default_factory=list)
    dimensions: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, dict[str, Vector]] = field(default_factory=dict)
    _late: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def vectors(self, namespace: str = "") -> dict[str, Vector]:
        """What is stored and seen."""
        return self._seen.get(namespace, {})

    @property
    def ids(self) -> set[str]:
        """Of all that is stored and seen, in whichever namespace."""
        return {id_ for vectors in self._seen.values() for id_ in vectors}

    @contextmanager
    def serve(self) -> Iterator[PineconeServer]:
        """Serve while the block runs."""
        app = Starlette(
            routes=[
                Route("/indexes", self._handled(self._create), methods=["POST"]),
                Route("/indexes/{name}", self._handled(self._describe), methods=["GET"]),
                Route("/vectors/upsert", self._handled(self._upsert), methods=["POST"]),
                Route("/vectors/delete", self._handled(self._delete), methods=["POST"]),
                Route("/query", self._handled(self._query), methods=["POST"]),
                Route("/describe_index_stats", self._handled(self._stats), methods=["POST"]),
            ]
        )
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.01)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join()

    def _handled(self, handle: Callable[[Request, dict], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            raw = await request.body()
            body = json.loads(raw) if raw else {}
            self.asked.append((request.url.path, body))
            if self.refusals:
                status, headers = self.refusals.pop(0)
                return _refused(status, "as the test says", headers)
            if request.headers.get("api-key") != KEY:
                return _refused(401, "Invalid API Key")
            if request.headers.get("x-pinecone-api-version") != "2026-07":
                return _refused(400, "another version")
            if len(raw) > _MOST_BYTES:
                return _refused(413, "larger than 2 MB")
            for _, apply in [each for each in self._late if each[0] <= len(self.asked)]:
                apply()
            self._late = [each for each in self._late if each[0] > len(self.asked)]
            return handle(request, body)

        return answer

    def _later(self, apply: Callable[[], None]) -> None:
        if self.lag:
            self._late.append((len(self.asked) + self.lag, apply))
        else:
            apply()

    def _create(self, _: Request, body: dict) -> Response:
        assert body.keys() <= set(CreateIndexRequest.__struct_fields__)
        if body["name"] in self.dimensions:
            return _refused(409, "The resource already exists")
        schema = msgspec.convert(body["schema"], IndexSchema)
        [(name, dense)] = schema.fields.items()
        assert isinstance(dense, DenseVectorField)
        assert (name, dense.metric) == ("_values", "cosine")
        msgspec.convert(body["deployment"], ManagedDeployment)
        self.dimensions[body["name"]] = dense.dimension
        return JSONResponse(self._model(body["name"]), 201)

    def _describe(self, request: Request, _: dict) -> Response:
        name = request.path_params["name"]
        if name not in self.dimensions:
            return _refused(404, f"Resource {name} not found")
        return JSONResponse(self._model(name))

    def _model(self, name: str) -> dict:
        dense = {"type": "dense_vector", "dimension": self.dimensions[name], "metric": "cosine"}
        deployment = {"deployment_type": "managed", "cloud": "aws", "region": "us-east-1", "environment": "x"}
        return {
            "name": name, "host": self.url, "status": {"ready": True, "state": "Ready"},
            "schema": {"fields": {"_values": dense}}, "deployment": deployment, "deletion_protection": "disabled",
        }  # fmt: skip

    def _upsert(self, _: Request, body: dict) -> Response:
        vectors = msgspec.convert(body["vectors"], list[Vector])
        if not 0 < len(vectors) <= _MOST_VECTORS:
            return _refused(400, "Upsert between 1 and 1,000 vectors")
        for vector in vectors:
            if len(vector.values) != self._dimension:
                return _refused(400, f"Vector dimension {len(vector.values)} does not match {self._dimension}")
            if len(json.dumps(vector.metadata)) > _MOST_METADATA:
                return _refused(400, "Metadata size exceeds the limit")
        stored = self._seen.setdefault(body.get("namespace", ""), {})
        self._later(lambda: stored.update({vector.id: vector for vector in vectors}))
        return JSONResponse({"upsertedCount": len(vectors)})

    def _delete(self, _: Request, body: dict) -> Response:
        ids = msgspec.convert(body["ids"], list[str])
        if not 0 < len(ids) <= _MOST_IDS:
            return _refused(400, "Delete between 1 and 1,000 ids")
        stored = self._seen.setdefault(body["namespace"], {})
        self._later(lambda: [stored.pop(id_, None) for id_ in ids] and None)
        return JSONResponse({})

    def _query(self, _: Request, body: dict) -> Response:
        asked, top_k = body["vector"], body["topK"]
        if len(asked) != self._dimension or not 0 < top_k <= _MOST_MATCHES:
            return _refused(400, "Query vector dimension does not match")
        matching = [each for each in self.vectors(body.get("namespace", "")).values() if _passes(each, body["filter"])]
        scored = sorted(((_cosine(each.values, asked), each.id) for each in matching), reverse=True)[:top_k]
        matches = [{"id": id_, "score": score, "values": []} for score, id_ in scored]
        return JSONResponse({"matches": matches, "namespace": body.get("namespace", ""), "usage": {"readUnits": 1}})

    def _stats(self, _: Request, __: dict) -> Response:
        namespaces = {name or "__default__": {"vectorCount": len(vectors)} for name, vectors in self._seen.items()}
        return JSONResponse({
            "namespaces": namespaces, "dimension": self._dimension, "indexFullness": 0,
            "totalVectorCount": len(self.ids), "metric": "cosine", "vectorType": "dense",
        })  # fmt: skip

    @property
    def _dimension(self) -> int:
        return next(iter(self.dimensions.values()), 0)


def _passes(vector: Vector, asked: dict) -> bool:
    metadata = vector.metadata or {}
    return all(_TESTS[test](metadata[name], wanted) for name, tests in asked.items() for test, wanted in tests.items())


def _cosine(one: list[float], other: list[float]) -> float:
    return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other)))


def _refused(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    codes = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS"}
    error = {"code": codes.get(status, "UNAVAILABLE"), "message": message}
    return JSONResponse({"status": status, "error": error}, status, headers)
