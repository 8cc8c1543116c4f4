"""A tiny checkpoint of transphone in its own format, and sounds of Amharic in phonepiece's."""

from __future__ import annotations

from pathlib import Path

import torch

GRAPHEMES = ["<pad>", "<eos>", "<amh>", *"abcdefghijklmnopqrstuvwxyz", "ሰ", "ላ", "ም", "ቤ", "ት"]
PHONEMES = ["<pad>", "<eos>", "s", "ə", "l", "a", "m", "b", "e", "t͡ʃ", "kʼ"]
SIZES = {"num_encoder": 1, "num_decoder": 1, "embed_size": 16, "hidden_size": 16, "num_head": 2}


def write_model(folder: Path, always: str = "a") -> None:
    """Write a model that answers one phone again and again."""
    from transphone.model.transformer import TransformerG2P

    folder.mkdir(parents=True)
    for name, symbols in (("grapheme", GRAPHEMES), ("phoneme", PHONEMES)):
        (folder / f"{name}.vocab").write_text("\n".join(symbols) + "\n", encoding="utf-8")
    yml = "".join(f"{key}: {value}\n" for key, value in {"model": "g2p", **SIZES}.items())
    (folder / "042801_base.yml").write_text(yml, encoding="utf-8")
    layers, heads, width = (SIZES[n] for n in ("num_encoder", "num_head", "embed_size"))
    sizes = (len(GRAPHEMES) + 1, len(PHONEMES) + 1)
    model = TransformerG2P(layers, layers, width, heads, *sizes, SIZES["hidden_size"])
    state = model.state_dict()
    state["generator.weight"].zero_()
    state["generator.bias"].fill_(-1e4)
    state["generator.bias"][PHONEMES.index(always)] = 0.0
    torch.save(state, folder / "model.pt")


def write_inventory(folder: Path) -> None:
    """Write the sounds of a language, with a word list that gives one word its phones."""
    folder.mkdir(parents=True)
    sounds = PHONEMES[2:]
    for name in ("phone.txt", "phoneme.txt"):
        (folder / name).write_text("\n".join(sounds) + "\n", encoding="utf-8")
    (folder / "allophone.txt").write_text(
        "".join(f"{sound} {sound}\n" for sound in sounds), encoding="utf-8"
    )
    (folder / "lexicon.txt").write_text("ሰላም\ts ə l a m\n", encoding="utf-8")
