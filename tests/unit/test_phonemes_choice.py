"""Which model the switches mean, what is given up for which reason, and the cache of models."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from phoneme_fakes import FakeRecognizer

from amharic_tts.errors import MissingPart, StudioError, UserError
from amharic_tts.phonemes.cache import Loaded, ModelCache
from amharic_tts.phonemes.choice import attempts
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import LoadOptions
from amharic_tts.phonemes.settings import PhonemeSettings, from_environment

PLAIN = PhonemeSettings()


class FakeCatalog:
    """Loads what is in `ready`: names, with the number format and `torch` or `compile`."""

    def __init__(self, *ready: str) -> None:
        self.ready = set(ready)
        self.loaded: list[str] = []

    def load(self, name: str, options: LoadOptions = PLAIN) -> FakeRecognizer:  # type: ignore
        wanted = [name, *([options.dtype] if options.dtype != "auto" else [])]
        wanted += ["compile"] if options.compile else []
        wanted += ["torch"] if options.backend == "torch" and not options.compile else []
        self.loaded.append(" ".join(wanted))
        if self.loaded[-1] not in self.ready:
            raise UserError(f"no {self.loaded[-1]}", "convert it")
        return FakeRecognizer()


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> FakeCatalog:
    found = FakeCatalog("embedded")
    monkeypatch.setattr(catalog, "load", found.load)
    monkeypatch.setattr(catalog, "key", lambda name, options: f"{name} {options}")
    monkeypatch.setattr(PhonemeExtractor, "_models", ModelCache())
    return found


def first(
    settings: PhonemeSettings = PLAIN,
    use_quantization: bool | None = None,
    use_fast_model: bool | None = None,
    use_compilation: bool | None = None,
) -> tuple[str, str, str, bool]:
    attempt = attempts(settings, use_quantization, use_fast_model, use_compilation)[0]
    return attempt.name, attempt.options.dtype, attempt.options.backend, attempt.options.compile


def test_what_the_switches_mean() -> None:
    assert first() == ("embedded", "auto", "auto", False)
    assert first(use_fast_model=True, use_quantization=True) == ("fast", "int8", "auto", False)
    assert first(use_fast_model=False, use_quantization=False) == (
        *("accurate", "fp32", "auto", False),
    )
    assert first(use_fast_model=True, use_compilation=True) == ("fast", "auto", "torch", True)


def test_what_the_environment_means(tmp_path: Path) -> None:
    def environment(**values: str) -> PhonemeSettings:
        return from_environment(values, tmp_path / "none")

    recommended = environment(
        USE_OPTIMIZED_PHONEME_MODEL="true",
        USE_MODEL_QUANTIZATION="true",
        USE_FAST_MODELS="true",
        USE_MODEL_COMPILATION="true",
    )
    assert first(recommended) == ("fast", "int8", "torch", True)
    original = environment(USE_OPTIMIZED_PHONEME_MODEL="false", USE_FAST_MODELS="true")
    assert first(original) == ("accurate", "fp32", "torch", False)
    # Arguments win over the environment.
    assert first(original, use_fast_model=True)[0] == "fast"
    assert first(recommended, use_compilation=False)[2:] == ("auto", False)
    assert environment(PHONEME_MODEL_CACHE="5").cached_models == 5
    assert not environment(PHONEME_WORD_FORMS="off").word_forms
    for name, value in (("PHONEME_MODEL_CACHE", "-1"), ("MODEL_WARMUP_RUNS", "many")):
        with pytest.raises(UserError, match=f"{name}={value} is not a number from 0 to 100"):
            environment(**{name: value})


def test_less_is_used_with_its_reason(models: FakeCatalog) -> None:
    models.ready.add("fast")
    found = PhonemeExtractor(
        use_quantization=True, use_fast_model=True, use_compilation=True, settings=PLAIN
    )
    assert models.loaded == ["fast int8 compile", "fast int8", "fast"]
    assert found.notes == (
        "without compilation: no fast int8 compile (convert it)",
        "without quantization: no fast int8 (convert it)",
    )
    assert (found.use_quantization, found.use_compilation) == (False, False)
    assert found.extract_phoneme(np.zeros(100)).notes[:2] == found.notes


def test_another_model_is_used_with_its_reason(models: FakeCatalog) -> None:
    found = PhonemeExtractor(use_quantization=True, use_fast_model=False, settings=PLAIN)
    assert models.loaded == ["accurate int8", "accurate", "embedded"]
    assert found.notes == ("without the model `accurate`: no accurate (convert it)",)
    strict = PhonemeSettings(fall_back=False)
    with pytest.raises(UserError, match="no accurate int8"):
        PhonemeExtractor(use_quantization=True, use_fast_model=False, settings=strict)
    with pytest.raises(UserError, match="no best"):
        PhonemeExtractor(model="best", settings=PLAIN)
    with pytest.raises(UserError, match="no embedded fp32"):
        PhonemeExtractor(model="embedded", options=LoadOptions(dtype="fp32"), settings=PLAIN)


def test_where_the_embedded_model_has_no_build(models: FakeCatalog) -> None:
    models.ready = {"fast int8", "fast"}
    assert PhonemeExtractor(settings=PLAIN).notes == (
        "without the model `embedded`: no embedded (convert it)",
    )
    assert PhonemeExtractor.get_fast_instance().recognizer.id == "fake-1"
    assert models.loaded[-1] == "fast int8"
    models.ready.clear()
    PhonemeExtractor._models.clear()
    with pytest.raises(UserError, match="no embedded"):
        PhonemeExtractor.get_fast_instance()


def test_no_build_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hama", None)
    monkeypatch.setattr(PhonemeExtractor, "_models", ModelCache())
    with pytest.raises(MissingPart, match="The embedded recogniser can't be loaded") as caught:
        PhonemeExtractor(model="embedded", settings=PLAIN)
    assert "Windows" in caught.value.hint


def loader(calls: list[str], name: str, seconds: float = 0.0) -> Loaded:
    calls.append(name)
    time.sleep(seconds)
    return Loaded(FakeRecognizer(), 0.0)


def test_fifty_threads_load_a_model_once() -> None:
    cache, calls, found = ModelCache(), [], []  # type: ignore[var-annotated]
    start = threading.Barrier(50)

    def get(name: str) -> None:
        start.wait()
        found.append((name, *cache.get(name, lambda: loader(calls, name, 0.05), limit=2)))

    threads = [threading.Thread(target=get, args=(f"m{i % 2}",)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(calls) == ["m0", "m1"]
    assert sum(hit for _, _, hit in found) == 48
    assert len({id(loaded) for _, loaded, _ in found}) == 2


def test_two_models_load_beside_each_other() -> None:
    cache, inside = ModelCache(), threading.Barrier(2, timeout=10)

    def load() -> Loaded:
        inside.wait()  # breaks if the other one may not load now
        return Loaded(FakeRecognizer(), 0.0)

    threads = [threading.Thread(target=cache.get, args=(key, load, 2)) for key in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(cache.keys()) == ["a", "b"]


def test_the_cache_keeps_those_used_last_and_frees_none_in_use() -> None:
    cache, calls = ModelCache(), []  # type: ignore[var-annotated]
    used, _ = cache.get("a", lambda: loader(calls, "a"), 2)
    free = weakref.ref(cache.get("b", lambda: loader(calls, "b"), 2)[0].model)
    cache.get("a", lambda: loader(calls, "a"), 2)
    cache.get("c", lambda: loader(calls, "c"), 2)
    assert cache.keys() == ["a", "c"]
    assert free() is None
    cache.get("d", lambda: loader(calls, "d"), 0)
    assert cache.keys() == []
    assert used.model.id == "fake-1"
    assert calls == ["a", "b", "c", "d"]


def test_a_failed_load_is_told_to_all_and_tried_again() -> None:
    cache = ModelCache()

    def fail() -> Loaded:
        raise StudioError("no memory")

    for _ in range(2):
        with pytest.raises(StudioError, match="no memory"):
            cache.get("a", fail, 2)
    assert cache.keys() == []
    assert cache.get("a", lambda: loader([], "a"), 2)[1] is False
