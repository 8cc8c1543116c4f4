"""The discrete VAE that turns sound into the codes which the GPT learns to write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from amharic_tts.base_models.checkpoint import load_tensors
from amharic_tts.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor
    from TTS.tts.layers.xtts.dvae import DiscreteVAE


def new_dvae(num_tokens: int, codebook_dim: int, hidden_dim: int) -> DiscreteVAE:
    """Return a DVAE of XTTS' shape: 80 mel bands, stride 4, three residual blocks.

    Coqui's trainer fixes both widths at 512; the class itself takes any.
    """
    from TTS.tts.layers.xtts.dvae import DiscreteVAE

    return DiscreteVAE(
        channels=80,
        normalization=None,
        positional_dims=1,
        num_tokens=num_tokens,
        codebook_dim=codebook_dim,
        hidden_dim=hidden_dim,
        num_resnet_blocks=3,
        kernel_size=3,
        num_layers=2,
        use_transposed_convs=False,
    )


def _sizes(state: dict[str, Tensor], path: Path) -> tuple[int, int, int]:
    """Return (codes, codebook width, hidden width) from the shapes of the weights."""
    try:
        codebook_dim, num_tokens = state["codebook.embed"].shape
        hidden_dim = state["encoder.0.0.weight"].shape[0]
    except KeyError as error:
        raise UserError(
            f"`{path}` is not the DVAE of an XTTS: it has no {error}",
            "Take dvae.pth from the same release as model.pth",
        ) from None
    return int(num_tokens), int(codebook_dim), int(hidden_dim)


def load_dvae(path: Path) -> DiscreteVAE:
    """Return the DVAE of a `dvae.pth`, in evaluation mode, its sizes taken from the weights.

    Raises:
        UserError: The file is missing, damaged, or no DVAE of XTTS' shape.
    """
    state = load_tensors(path)
    dvae = new_dvae(*_sizes(state, path))
    # The released file lacks the buffers of the discretisation loss, which training alone uses.
    missing, unexpected = dvae.load_state_dict(state, strict=False)
    lost = [key for key in missing if not key.startswith("discrete_loss.")]
    if lost or unexpected:
        raise UserError(
            f"`{path}` is not the DVAE of an XTTS: "
            f"missing {lost[:3] or 'nothing'}, unexpected {list(unexpected)[:3] or 'nothing'}",
            "Take dvae.pth from the same release as model.pth",
        )
    dvae.eval()
    return dvae
