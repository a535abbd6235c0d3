"""Speculative decoding: a draft proposes tokens, one step of the model verifies them all.

No row of the public measurement record states it, so what it brings here is calculated, and plans
count on it only where a workload's settings state the acceptance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from outlay.catalog import Model, Precision
from outlay.sizing.features import GpuColumns, Settings, model_columns, settings
from outlay.sizing.memory import MemoryColumns, memory_columns
from outlay.sizing.speed import Speed, speeds

MOST_DRAFT_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Speculation:
    """Tokens drafted ahead, how likely each is accepted, and the model that drafts.

    Without a model they are looked up in the prompt (n-grams), which takes no time and no memory. A
    model drafts on one of the replica's GPUs, which is then the one with the least room.
    """

    draft_tokens: int
    acceptance: float
    draft: Model | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.draft_tokens <= MOST_DRAFT_TOKENS:
            raise ValueError(
                f"draft tokens must be 1 to {MOST_DRAFT_TOKENS}, got {self.draft_tokens}"
            )
        if not 0 <= self.acceptance <= 1:
            raise ValueError(f"acceptance must be 0 to 1, got {self.acceptance}")

    @property
    def tokens_per_step(self) -> float:
        """Expected tokens of one verified step: the accepted run and the one after it.

        Source: Leviathan et al., arXiv:2211.17192, equation 1 (acceptances independent).
        """
        return float(sum(self.acceptance**i for i in range(self.draft_tokens + 1)))

    def speed(self, plain: Speed, gpus: GpuColumns) -> Speed:
        """Return coefficients per output token.

        A step verifies the drafted tokens and one more of every sequence: their operations and
        experts are paid for each, weights and KV are read once.
        """
        verified, scale = self.draft_tokens + 1, 1 / self.tokens_per_step
        step = replace(
            plain,
            expert_miss=plain.expert_miss**verified,
            per_group_sequence=plain.per_group_sequence * verified,
            per_sequence=plain.per_sequence * verified,
            per_context_token=plain.per_context_token * verified,
        )
        if self.draft is not None:
            step = self._with_draft(
                step, speeds(model_columns(self.draft), gpus, _alone(self.draft))
            )
        return replace(
            step,
            shared_weights=step.shared_weights * scale,
            expert_weights=step.expert_weights * scale,
            fixed=step.fixed * scale,
            per_group_sequence=step.per_group_sequence * scale,
            per_sequence=step.per_sequence * scale,
            per_kv_token=step.per_kv_token * scale,
            per_context_token=step.per_context_token * scale,
        )

    def _with_draft(self, step: Speed, draft: Speed) -> Speed:
        # Its experts count as all read, and its windows as whole contexts: on the slow side.
        k = self.draft_tokens
        context = draft.per_kv_token + draft.per_context_token
        return replace(
            step,
            shared_weights=step.shared_weights + k * (draft.shared_weights + draft.expert_weights),
            fixed=step.fixed + k * draft.fixed,
            per_group_sequence=step.per_group_sequence + k * draft.per_group_sequence,
            per_sequence=step.per_sequence + k * draft.per_sequence,
            per_context_token=step.per_context_token + k * context,
            prefill_token=step.prefill_token + draft.prefill_token,
            prefill_pair=step.prefill_pair + draft.prefill_pair,
        )

    def memory(self, plain: MemoryColumns, gpus: GpuColumns, *, tokens: float) -> MemoryColumns:
        """Return the memory with the draft's weights, and its KV cache of sequences of some tokens."""
        if self.draft is None:
            return plain
        draft = memory_columns(model_columns(self.draft), gpus, _alone(self.draft))
        return replace(
            plain,
            weights=plain.weights + draft.weights,
            sequence_state=plain.sequence_state + draft.sequence(tokens),
        )


def _alone(draft: Model) -> Settings:
    return settings(tensor=[1], precision=[draft.native_precision], kv_precision=[Precision.BF16])
