"""Writes golden.json and tokenizer.json beside this file with Hugging Face's tokenizers.

Made with tokenizers 0.23.3:  pip install tokenizers==0.23.3 && python regenerate.py

golden.json holds texts, and the words and ids that Hugging Face makes of each. tokenizer.json is
the tokenizer of all words of the FITTED texts, most frequent first, ties by UTF-16 code unit.
The texts keep to Unicode 13, which is what Java 17 knows.
"""

import collections
import json
import pathlib

import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

FITTED = [
    "You WON a prize!!",
    "you won a prize, a prize of $1,000.00 -- call now...",
    "Hello, world!",
    "hello   world\tand\nmore\r\nlines",
    "don't can't it's o'clock",
    "\u2018curly\u2019 \u201cquotes\u201d and\u2026 ellipsis\u2014dash",
    "snake_case and __dunder__ and _",
    "mixed123digits 123 4.5e-6 0x1F 1_000",
    "user@example.com http://example.com/a?b=c&d=%20#e",
    "C++ C# .NET a+b=c x^2 ~tilde~ `tick` |pipe| <tag/> {[()]}",
    "caf\u00e9 na\u00efve \u00dcBER stra\u00dfe STRASSE \u1e9e",
    "cafe\u0301 e\u0301\u0302 \u0301alone a \u0301 b",
    "\u00c5ngstr\u00f6m \u212b \u212a",
    "\u0130stanbul I\u0307 \u0131rmak DI\u015eARI",
    "\u039f\u0394\u039f\u03a3 \u039f\u0394\u039f\u03a3. \u03a3\u0391\u03a3 \u03c3\u03c2 \u03a3",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u041c\u0418\u0420! \u0401\u043b\u043a\u0430",
    "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627 \u0661\u0662\u0663\u060c \u061f",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e \u0967\u0968\u0969 \u0964",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01",
    "\u4f60\u597d\uff0c\u4e16\u754c\uff01",
    "\u6771\u4eac\u30bf\u30ef\u30fc\u3068\u3072\u3089\u304c\u306a\u3002\u300c\u306f\u3044\u300d",
    "\uff21\uff22\uff23\uff11\uff12\uff13 \uff76\uff80\uff76\uff85",
    "\uc548\ub155 \uc138\uacc4 \u1112\u1161\u11ab",
    "\U0001f600\U0001f389 party \U0001f389\U0001f389",
    "thumbs \U0001f44d\U0001f3fd up \u2764\ufe0f love",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467 flag \U0001f1e9\U0001f1ea 1\ufe0f\u20e3",
    "zero\u200bwidth\u200cnon\u200djoiner\u2060word\ufeffbom",
    "no\u00a0break\u202fnarrow\u3000ideographic\u2003em\u1680ogham",
    "line\u2028separator\u2029paragraph\u0085next\u000bvertical\u000cfeed",
    "control\u0000null\u0007bell\u001bescape\u001funit\u007fdelete",
    "soft\u00adhyphen left\u200eto\u200fright \u202aembedded\u202c",
    "\u2160\u2161 \u24b6\u24d1 \u2460\u2461 \u00bd \u00b2 x\u00b2 \u2150 \u3007",
    "\u203fundertie\u2040 \u2054 \uff3f \ufe33 \u00b7 \u2019",
    "\U0001d400\U0001d44e \U0001d7d8\U0001d7d9 \U00010400\U00010428",
    "\u01c4 \u01c5 \u01c6 \u01f0 \ufb01 \ufb03 \u0149",
    "\u13a0 \uab70 \u10a0 \u2d00 \u1c90 \u10d0",
    "\u00aa \u00ba \u00b5 \u1d2c \u2071 \u02bc \u02d0",
    "[PAD] [UNK] [CLS] <unk> ##piece \u2581low",
    "\\ \" ' / \b { } \\u0041 &amp; <br>",
    "!!! ??? ... ,,, ;;; !?!?",
    "\u00a1Hola! \u00bfQu\u00e9 tal? \u00abguillemets\u00bb \u201eunten\u201c",
    "100% 50\u20ac \u00a320 \u00a51000 \u20b91 a\u00b0 \u00a9 \u00ae \u2122",
    "\u2200x\u2208\u211d: x\u00b2\u22650 \u2192 \u221a2\u22481.41",
    "\u0e33 \u0f00 \u17e0\u17e1 \u0bbe \u0d4d\u200d",
    "a" * 300 + " " + "-" * 300,
    "",
    "   \t\n ",
    "\ufffd replacement \ufffe noncharacter \ue000 private",
    "tab\tseparated\tvalues,comma;semicolon:colon",
]
NOT_FITTED = [
    "never seen before, you won",
    "\u039d\u0388\u039f\u03a3 \u039a\u039f\u03a3\u039c\u039f\u03a3",
    "unbekannt \U0001f9a9 \u65b0\u3057\u3044 \u0646\u0635",
]

here = pathlib.Path(__file__).parent


def build(vocabulary):
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def words(tokenizer, text):
    normal = tokenizer.normalizer.normalize_str(text)
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal)]


empty = build({"[UNK]": 0})
counts = collections.Counter(word for text in FITTED for word in words(empty, text))
order = sorted(counts, key=lambda word: (-counts[word], word.encode("utf-16-be")))
tokenizer = build({word: i for i, word in enumerate(["[PAD]", "[UNK]"] + order)})
tokenizer.save(str(here / "tokenizer.json"))
golden = {
    "tokenizers": tokenizers.__version__,
    "texts": [
        {
            "text": text,
            "fitted": i < len(FITTED),
            "words": words(tokenizer, text),
            "ids": tokenizer.encode(text).ids,
        }
        for i, text in enumerate(FITTED + NOT_FITTED)
    ],
}
(here / "golden.json").write_text(json.dumps(golden, indent=1) + "\n", encoding="ascii")
