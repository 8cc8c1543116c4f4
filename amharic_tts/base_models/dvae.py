"""The discrete VAE that turns sound into the codes which the GPT learns to write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from amharic_tts.base_models.checkpoint import load_tensors
from amharic_tts.base_models.widths import CODEC, narrowed
from amharic_tts.errors import StudioError, UserError

if TYPE_CHECKING:
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


def load_dvae(path: Path) -> DiscreteVAE:
    """Return the DVAE of a `dvae.pth`, in evaluation mode, its sizes taken from the weights.

    Channels that are zero, as in the practice base, are left out; it computes the same.

    Raises:
        UserError: The file is missing, damaged, or no DVAE of XTTS' shape.
    """
    try:
        widths, state = narrowed(CODEC, load_tensors(path))
    except StudioError as error:
        raise UserError(
            f"`{path}` is not the DVAE of an XTTS: {error.message}",
            "Take dvae.pth from the same release as model.pth",
        ) from None
    codes = state["codebook.embed"].shape[1] if "codebook.embed" in state else 1
    dvae = new_dvae(int(codes), widths["code"], widths["hidden"])
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
