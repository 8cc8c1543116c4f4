"""The rule-based backend: whole outputs rule by rule, and what holds for every letter."""

from __future__ import annotations

import pytest

from amharic_tts.g2p.base import inventory, phones, studio_notation
from amharic_tts.g2p.letters import letter_table
from amharic_tts.g2p.rules import RuleBased
from amharic_tts.text import ethiopic

WORDS = {
    "letters": {"ሰላም": "səlam", "ቡና": "buna", "ቤት": "bet", "ሆድ": "hod", "ጤፍ": "tʼef"},
    "a after the laryngeals": {"ሀገር": "haɡər", "ዓለም": "ʔaləm", "አመድ": "ʔaməd", "ሐኪም": "hakim"},
    "real hə and ʔə": {"ኸ": "hə", "ኧ": "ʔə"},
    "homophones": {"ሠላም": "səlam", "ፀሐይ": "sʼəhaj", "ጸሀይ": "sʼəhaj", "ዐይን": "ʔajn"},
    "ejectives": {"ቀን": "kʼən", "ጣት": "tʼat", "ጨው": "tʃʼəw", "ጳጳስ": "pʼapʼas"},
    "labialised": {"ቋንቋ": "kʼʷankʼʷa", "ጓደኛ": "ɡʷadəɲːa", "ኳስ": "kʷas", "ሟች": "mʷatʃ"},
    "glides": {"ነው": "nəw", "ውሻ": "wɨʃa", "ይህ": "jɨh", "ሰማይ": "səmaj"},
    "first run": {"ልጅ": "lɨdʒ", "ትምህርት": "tɨmhɨrt", "ግራ": "ɡɨra", "ም": "mɨ"},
    "two inside stay": {"መስጊድ": "məsɡid", "እርዳታ": "ʔɨrdata", "ሄሊኮፕተር": "helikoptər"},
    "three inside": {"መንግሥት": "mənɡɨst", "ሹምብራ": "ʃumbɨra"},
    "three inside, the last two fall": {
        **{"አፍንጫ": "ʔafɨntʃʼa", "እግርጌ": "ʔɨɡɨrɡe", "ንግሥቶች": "nɨɡɨstotʃː"},
        **{"ባለሥልጣን": "baləsɨltʼan", "አይንቅም": "ʔajnɨkʼɨmː"},
    },
    "falling end": {"ለውዝ": "ləwz", "ስልክ": "sɨlk", "ሕዝብ": "hɨzb", "ጥርስ": "tʼɨrs", "ወርቅ": "wərkʼ"},
    "rising end": {"እግር": "ʔɨɡɨr", "ክብር": "kɨbɨr", "ወንድም": "wəndɨm", "ምንም": "mɨnɨm"},
    "three at the end": {"ሳምንት": "samɨnt"},
    "ʔ inside": {"ስዕል": "sɨʔɨl", "ብዕር": "bɨʔɨr", "ሰዓት": "səʔat"},
    "perfect": {"ሸለመ": "ʃəlːəmə", "ነበረ": "nəbːərə", "ተናገረ": "tənaɡːərə", "መሰከረ": "məsəkːərə"},
    "perfect, weak end": {"ሰማ": "səmːa", "ዘረጋ": "zərəɡːa", "ላላ": "lalːa"},
    "perfect, palatal end": {
        "ተገኘ": "təɡəɲːə",
        "ለየ": "ləjːə",
        "ተበላሸ": "təbəlaʃːə",
        "ጸለየ": "sʼəlːəjə",
    },
    "perfect with o": {"ተደቆሰ": "tədəkʼːosə", "ኮተኮተ": "kotəkːotə"},
    "perfect, radicals alike": {"ተስማማ": "təsmamːa", "ነካካ": "nəkakːa"},
    "reciprocal causative": {"አመሳከረ": "ʔamːəsakːərə", "አለማመነ": "ʔalːəmamːənə"},
    "passive": {"ይከበር": "jɨkːəbːər", "የማይለወጥ": "jəmːajɨlːəwːətʼ", "መከበር": "məkːəbər"},
    "objects": {"ነገረኝ": "nəɡərəɲː", "ነፈሰበት": "nəfəsəbːət"},
    "nouns of verbs": {
        **{"አነጋገር": "ʔanːəɡaɡər", "ውዳሴ": "wɨdːase", "ጥንቃቄ": "tʼɨnɨkʼːakʼe"},
        **{"ስባሪ": "sɨbːari", "አስከባሪ": "ʔaskəbːari", "አስተማሪ": "ʔastəmari"},
        **{"መንጠቆ": "məntʼəkʼːo", "ደንዳና": "dəndanːa", "ቀበዝባዛ": "kʼəbəzbazːa"},
    },
    "suffixes": {
        "ልጆች": "lɨdʒotʃː",
        "አማርኛ": "ʔamarɨɲːa",
        "ሰውነት": "səwɨnːət",
        "ቤታቸው": "betatʃːəw",
        "ቤታችን": "betatʃːɨn",
        "ትሕትና": "tɨhtɨnːa",
    },
    "prefixes": {"የሚሆን": "jəmːihon", "የማይሆን": "jəmːajhon"},
    "numerals": {
        **{"ሁለት": "hulətː", "ሁለተኛ": "hulətːəɲːa", "አራት": "ʔaratː", "አምስት": "ʔamːɨst"},
        **{"ስድስት": "sɨdːɨst", "ሰባት": "səbatː", "ስምንት": "sɨmːɨnt", "ዘጠኝ": "zətʼəɲː"},
        **{"አሥር": "ʔasːɨr", "ሃያ": "haja", "ሰባ": "səba", "ዘጠና": "zətʼəna", "ሦስት": "sost"},
    },
    "pronouns": {"እሱ": "ʔɨsːu", "እኛ": "ʔɨɲːa", "እናንተ": "ʔɨnːantə", "በእነሱ": "bəʔɨnːəsːu"},
    "pronouns, second lot": {
        **{"እሳቸው": "ʔɨsːatʃːəw", "እነማን": "ʔɨnːəman", "እነርሱ": "ʔɨnːərsu", "የነርሱ": "jənːərsu"},
        **{"እዚህ": "ʔɨzːih", "በዚያ": "bəzːija", "ያቺ": "jatʃːi", "አይደለም": "ʔajdəlːəmː"},
    },
    "written length": {"አለ፟": "ʔalːə", "አለ": "ʔalə", "ገና፟": "ɡənːa", "ቡ፞ና": "buna", "አለ፝": "ʔalːə"},
    "length written once is written throughout": {"ሸለመ፟": "ʃələmːə"},
}


@pytest.mark.parametrize(
    ("word", "ipa"), [pair for words in WORDS.values() for pair in words.items()]
)
def test_words(word: str, ipa: str) -> None:
    assert RuleBased().convert(word) == ipa


def test_a_text_keeps_its_words_and_loses_only_punctuation() -> None:
    text = "ሰላም፣ ለዓለም! «ቤት»፡ነው። abc 😀 7"
    assert RuleBased().convert(text) == "səlam ləʔaləm bet nəw abc 😀 7"


def test_every_ethiopic_letter_has_a_sound_of_the_inventory() -> None:
    known = set(inventory())
    assert set(letter_table()) == set(ethiopic.letters())
    for letter in ethiopic.letters():
        for word in (letter, f"ለ{letter}ለ", f"ለ{letter}\u135fለ"):
            ipa = RuleBased().convert(word)
            assert set(phones(ipa)) <= known, (word, ipa)


def test_the_same_sound_has_one_order_of_marks() -> None:
    assert phones("tʃʼəbːɨ kʼʷːa t͡sʼa") == ["tʃʼ", "ə", "bː", "ɨ", "kʼʷː", "a", "t͡sʼ", "a"]
    assert studio_notation("t͡sʼəqəgːʷa") == "sʼəkʼəɡʷːa"


def test_the_inventory_has_no_doubles() -> None:
    assert len(inventory()) == len(set(inventory()))
    assert {"a", "ɨ", "tʃʼ", "tʃʼː", "kʷ", "kʷː", "ʔ", "wː"} <= set(inventory())
    assert "aː" not in inventory()


def test_the_script_is_whole() -> None:
    assert len(ethiopic.letters()) == 481
    assert len(ethiopic.characters()) == 523
    assert all(map(ethiopic.is_ethiopic, ethiopic.characters()))
    assert ethiopic.is_letter("ሀ")
    assert not ethiopic.is_letter("፩")
    assert not ethiopic.is_ethiopic("a")
    assert not ethiopic.is_ethiopic("")
