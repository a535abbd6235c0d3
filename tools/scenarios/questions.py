"""Thirty questions from real use: what is served, how much of it, and what is promised.

Token lengths are those that the use is known for: short turns for chat, long prompts with much in
the prefix cache for retrieval and agents, long prompts with short answers for code completion.
"""

from __future__ import annotations

from dataclasses import dataclass

Raw = dict[str, object]

CHAT: Raw = {"inputTokens": 512, "outputTokens": 256, "ttftMs": 1000, "tpotMs": 50}
RAG: Raw = {
    "inputTokens": 4000,
    "outputTokens": 300,
    "prefixCacheHitShare": 0.3,
    "ttftMs": 2000,
    "tpotMs": 60,
}
CODE: Raw = {
    "inputTokens": 2000,
    "outputTokens": 64,
    "prefixCacheHitShare": 0.5,
    "ttftMs": 400,
    "tpotMs": 30,
}
BATCH: Raw = {"inputTokens": 3000, "outputTokens": 500, "ttftMs": 60_000, "tpotMs": 250}
AGENT: Raw = {
    "inputTokens": 8000,
    "outputTokens": 400,
    "prefixCacheHitShare": 0.8,
    "ttftMs": 3000,
    "tpotMs": 40,
}
NO_SPOT: Raw = {"markets": "on-demand"}
TWO_REGIONS: Raw = {"surviveDomain": "region"}
TWO_CLOUDS: Raw = {"surviveDomain": "provider"}


@dataclass(frozen=True, slots=True)
class Question:
    """One scenario: its name and the settings that ask it."""

    name: str
    raw: Raw


def one(name: str, model: str, rps: float, use: Raw, **limits: Raw) -> Question:
    """Return a question about one model."""
    merged: Raw = {"model": model, "targetRps": rps, **use}
    for limit in limits.values():
        merged |= limit
    return Question(name, merged)


def several(name: str, *parts: tuple[str, float, Raw], **limits: Raw) -> Question:
    """Return a question about several models on shared clusters."""
    workloads = [
        {"model": model, "targetRps": rps, "name": f"w{number}", **use}
        for number, (model, rps, use) in enumerate(parts, start=1)
    ]
    merged: Raw = {"workloads": workloads}
    for limit in limits.values():
        merged |= limit
    return Question(name, merged)


QUESTIONS = (
    one("chat pilot", "llama-3.1-8b", 0.1, CHAT),
    one("chat team", "llama-3.1-8b", 2, CHAT),
    one("chat product", "llama-3.1-8b", 20, CHAT),
    one("chat product, no spot", "llama-3.1-8b", 20, CHAT, limit=NO_SPOT),
    one("chat at scale", "llama-3.1-8b", 200, CHAT),
    one("chat for all", "llama-3.1-8b", 2000, CHAT),
    one("chat, two regions", "llama-3.1-8b", 50, CHAT, limit=TWO_REGIONS),
    one("chat, two clouds", "llama-3.1-8b", 50, CHAT, limit=TWO_CLOUDS),
    one("chat 70B pilot", "llama-3.3-70b", 0.5, CHAT),
    one("chat 70B product", "llama-3.3-70b", 10, CHAT),
    one("chat 70B, no spot", "llama-3.3-70b", 10, CHAT, limit=NO_SPOT),
    one("chat 70B at scale", "llama-3.3-70b", 100, CHAT),
    one("chat small model", "llama-3.2-3b", 30, CHAT),
    one("chat Qwen 32B", "qwen2.5-32b", 15, CHAT),
    one("RAG 8B", "llama-3.1-8b", 10, RAG),
    one("RAG 8B at scale", "llama-3.1-8b", 100, RAG),
    one("RAG 70B", "llama-3.3-70b", 5, RAG),
    one("RAG 70B, two clouds", "llama-3.3-70b", 5, RAG, limit=TWO_CLOUDS),
    one("RAG 14B", "qwen2.5-14b", 8, RAG),
    one("code completion", "qwen2.5-7b", 25, CODE),
    one("code completion at scale", "qwen2.5-7b", 300, CODE),
    one("code 32B", "qwen2.5-coder-32b", 5, CODE),
    one("batch 8B", "llama-3.1-8b", 30, BATCH),
    one("batch 70B", "llama-3.3-70b", 10, BATCH),
    one("agents 8B", "llama-3.1-8b", 5, AGENT),
    one("agents 70B", "llama-3.3-70b", 3, AGENT),
    several("chat and RAG", ("llama-3.1-8b", 20, CHAT), ("llama-3.3-70b", 3, RAG)),
    several(
        "assistant of three",
        ("llama-3.1-8b", 15, CHAT),
        ("qwen2.5-14b", 5, RAG),
        ("qwen2.5-7b", 10, CODE),
        limit=NO_SPOT,
    ),
    several(
        "platform of four",
        ("llama-3.1-8b", 10, CHAT),
        ("mistral-7b", 10, CHAT),
        ("qwen2.5-14b", 4, RAG),
        ("qwen2.5-7b", 8, CODE),
    ),
    several(
        "eight small services",
        *(
            (model, rps, CHAT)
            for model, rps in (
                ("llama-3.2-3b", 2),
                ("llama-3.1-8b", 3),
                ("mistral-7b", 1),
                ("qwen2.5-7b", 2),
                ("qwen2.5-14b", 1),
                ("qwen3-8b", 2),
                ("qwen3-4b", 2),
                ("llama-3.2-1b", 4),
            )
        ),
        limit=NO_SPOT,
    ),
)
