"""How many parameters a model has of each tensor class, and the bytes each class takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from outlay.catalog import Model, Precision
from outlay.sizing.precision import FORMATS

MLA_LATENT_DIM = 512 + 64  # KV latent and rotary part, DeepSeek and its descendants
TRUSTED_COUNT_ERROR = 0.01
LARGEST_EXPERT_SHARE = 0.985
BYTES_16_BIT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Parameter counts by what happens to them under quantisation and tensor parallelism.

    `embedding` (input table and head) and `replicated` (norms, routers) stay in 16 bit; the rest
    is quantised. `replicated` lies on every GPU, `kv_projection` on at most one GPU per KV head.
    """

    embedding: float
    replicated: float
    kv_projection: float
    linear: float
    experts: float

    @property
    def total(self) -> float:
        """All parameters."""
        return self.embedding + self.replicated + self.kv_projection + self.linear + self.experts


@lru_cache(maxsize=512)
def parameters(model: Model) -> Parameters:
    """Count parameters from the dimensions.

    A count within 1 % of the published number is taken as it is. Otherwise (unknown tensors, such
    as linear attention or low-rank queries) the difference goes to the linear layers, so that the
    total is the published one.
    """
    published = model.params_b * 1e9
    counts = [_count(model, tied=tied, mlp_matrices=m) for tied in (False, True) for m in (3, 2)]
    best = min(counts, key=lambda count: abs(count.total - published))
    if abs(best.total / published - 1) <= TRUSTED_COUNT_ERROR:
        return best
    fixed = best.total - best.linear
    if fixed >= published:
        return _scaled(best, published / best.total)
    return Parameters(
        embedding=best.embedding,
        replicated=best.replicated,
        kv_projection=best.kv_projection,
        linear=published - fixed,
        experts=best.experts,
    )


def _scaled(counts: Parameters, factor: float) -> Parameters:
    return Parameters(
        embedding=counts.embedding * factor,
        replicated=counts.replicated * factor,
        kv_projection=counts.kv_projection * factor,
        linear=counts.linear * factor,
        experts=counts.experts * factor,
    )


def _count(model: Model, *, tied: bool, mlp_matrices: int) -> Parameters:
    moe_layers = model.layers - model.n_dense_layers if model.is_moe else 0
    return Parameters(
        embedding=float(model.vocab * model.hidden * (1 if tied else 2)),
        replicated=float(
            model.hidden * (2 * model.layers + 1) + model.hidden * model.n_experts * moe_layers
        ),
        kv_projection=float(_kv_projection(model)),
        linear=float(
            _query_and_output(model)
            + mlp_matrices * model.hidden * _dense_width(model) * (model.layers - moe_layers)
            + mlp_matrices
            * model.hidden
            * _expert_width(model)
            * model.n_shared_experts
            * moe_layers
        ),
        experts=min(
            float(
                mlp_matrices * model.hidden * _expert_width(model) * model.n_experts * moe_layers
            ),
            LARGEST_EXPERT_SHARE * model.params_b * 1e9,
        ),
    )


def _query_and_output(model: Model) -> int:
    return 2 * model.hidden * model.heads * model.head_dim * _attention_layers(model)


def _kv_projection(model: Model) -> int:
    if model.attention == "mla":
        return model.layers * model.hidden * MLA_LATENT_DIM
    return 2 * model.hidden * model.kv_heads * model.head_dim * _attention_layers(model)


def _attention_layers(model: Model) -> int:
    # The other layers of a hybrid hold a fixed state and no keys and values.
    return model.full_attention_layers if model.attention == "hybrid_linear" else model.layers


def _dense_width(model: Model) -> int:
    return model.intermediate or 0


def _expert_width(model: Model) -> int:
    return model.moe_intermediate or 0


def expert_weight_bytes(model: Model, precision: Precision) -> float:
    """Return the bytes of one expert weight, scales included."""
    if precision is Precision.INT4 and model.native_precision is Precision.INT4:
        # Kimi publishes its experts in groups of 32 with a 16-bit scale (594 GB in all).
        return 0.5 + 2 / 32
    return FORMATS[precision].bytes_per_weight


def linear_weight_bytes(model: Model, precision: Precision) -> float:
    """Return the bytes of one weight of attention, dense MLP and shared experts.

    Models published in a 4-bit format quantise only their routed experts.
    """
    if precision is model.native_precision and model.is_moe and FORMATS[precision].bits == 4:
        return BYTES_16_BIT
    return FORMATS[precision].bytes_per_weight
