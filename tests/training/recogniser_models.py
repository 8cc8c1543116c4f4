"""Small recognisers in the layout of transformers, as their makers would save them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (32,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "pad_token_id": 0,
}
MARKS = ("<pad>", "<s>", "</s>", "<unk>", "|")


def _front(folder: Path, **more: Any) -> None:
    body = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "do_normalize": True,
        "sampling_rate": 16000,
        "feature_size": 1,
        "return_attention_mask": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(body | more))


def _tokenizer(folder: Path, vocabulary: Any, **more: Any) -> None:
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    body = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer",
        "pad_token": "<pad>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "word_delimiter_token": "|",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(body | more))


def ctc(folder: Path, letters: str, seed: int = 3) -> Path:
    """Save a wav2vec 2.0 with random weights; its letters come and go with the sound."""
    import torch
    import transformers

    torch.manual_seed(seed)
    names = [*MARKS, *letters]
    config = transformers.Wav2Vec2Config(**SMALL, vocab_size=len(names))
    model = transformers.Wav2Vec2ForCTC(config).eval()
    with torch.no_grad():
        model.lm_head.weight.mul_(200)  # so that more than one of the outputs wins somewhere
    model.save_pretrained(folder)
    _tokenizer(folder, {name: i for i, name in enumerate(names)})
    _front(folder)
    return folder


def with_adapters(folder: Path, languages: dict[str, str]) -> Path:
    """Save a model in the layout of MMS: in each language it always hears that one letter."""
    import torch
    import transformers
    from safetensors.torch import save_file

    torch.manual_seed(3)
    tables = {
        code: {name: i for i, name in enumerate([*MARKS, "x", *letter])}
        for code, letter in languages.items()
    }
    sizes = {code: len(table) for code, table in tables.items()}
    first = next(iter(languages))
    config = transformers.Wav2Vec2Config(
        **SMALL, vocab_size=sizes[first], adapter_attn_dim=4, do_stable_layer_norm=True
    )
    model = transformers.Wav2Vec2ForCTC(config).eval()
    model.save_pretrained(folder)
    weights = dict(model._get_adapters())
    for code, letter in languages.items():
        size = sizes[code]
        head = {"lm_head.weight": torch.zeros(size, 32), "lm_head.bias": torch.zeros(size)}
        head["lm_head.bias"][tables[code][letter[-1]]] = 9.0
        own = {name: value.detach().clone() for name, value in weights.items()} | head
        save_file(own, folder / f"adapter.{code}.safetensors", metadata={"format": "pt"})
    _tokenizer(folder, tables, target_lang=first)
    _front(folder)
    return folder


def seq2seq(folder: Path) -> Path:
    """Save a Whisper of transformers with random weights that knows English and Amharic."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    torch.manual_seed(3)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|am|>", "<|transcribe|>"]
    special += ["<|translate|>", "<|notimestamps|>"]
    names = [*alphabet, *special]
    ids = {name: i for i, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(ids, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=special[0], pad_token=special[0]
    )
    fast.save_pretrained(folder)
    end, start = ids[special[0]], ids[special[1]]
    config = transformers.WhisperConfig(
        vocab_size=len(names),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_target_positions=24,
        eos_token_id=end,
        bos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=start,
    )
    model = transformers.WhisperForConditionalGeneration(config).eval()
    model.save_pretrained(folder)
    tasks = {name: ids[f"<|{name}|>"] for name in ("transcribe", "translate")}
    generation = json.loads((folder / "generation_config.json").read_text()) | {
        "is_multilingual": True,
        "lang_to_id": {name: ids[name] for name in ("<|en|>", "<|am|>")},
        "task_to_id": tasks,
        "no_timestamps_token_id": ids["<|notimestamps|>"],
        "suppress_tokens": [ids[name] for name in special[1:]],
        "begin_suppress_tokens": [end],
        "max_length": 16,
    }
    generation.pop("_from_model_config", None)  # with it the rest would not be read
    (folder / "generation_config.json").write_text(json.dumps(generation))
    transformers.WhisperFeatureExtractor().save_pretrained(folder)
    return folder
