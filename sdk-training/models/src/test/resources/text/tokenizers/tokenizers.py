"""Trains a tiny tokenizer of each kind and writes what it makes of tricky texts: <kind>.json and expected.json.

Needs tokenizers 0.22.2. Run it from anywhere: python tokenizers.py
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != HERE.resolve()]

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = (HERE / "corpus.txt").read_text(encoding="utf-8").splitlines(keepends=True)
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEXTS = [
    "",
    " ",
    "   leading and trailing   ",
    "The tokenizer reads the letter.",
    "the model's values aren't 12345, they're 3.14159",
    "unseen: Ωμέγα, naïve Straße e\u0301",
    "emoji 🙂👋🏽 👩‍👩‍👧 end",
    "日本語 tokenizer 中文",
    "def f(x):\n    return x  # done\n\n\t\tif x:\r\n",
    "a\u00a0b\u2003c\u200bd\u0000e\ufeff",
    "<|endoftext|>The<|im_end|> [SEP] <s> </s>",
    "WE'RE I'LL THEY'VE",
    "ﬁ Ⅷ ① ｆｕｌｌ",
    "x" * 60 + " " + "ab" * 40,
    "\u4e2d" * 5 + "\U0001f9ea",
]


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def gpt2():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    return train(t, trainers.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>", "<|im_end|>"],
                                        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))


def llama3():
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    train(t, trainers.BpeTrainer(vocab_size=380, special_tokens=["<|begin_of_text|>", "<|endoftext|>"],
                                 initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)])])
    return t


def sentencepiece():
    fallback = [f"<0x{b:02X}>" for b in range(256)]
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(content=" ", left=1)])
    train(t, trainers.BpeTrainer(vocab_size=480, special_tokens=["<unk>", "<s>", "</s>", *fallback],
                                 limit_alphabet=60, show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    # The bytes are ordinary tokens of the model, as in Llama 2.
    content = json.loads(t.to_str())
    content["added_tokens"] = [a for a in content["added_tokens"] if a["content"] not in fallback]
    return Tokenizer.from_str(json.dumps(content))


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=50))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    train(t, trainers.WordPieceTrainer(vocab_size=260, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
                                       limit_alphabet=60, show_progress=False))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


def unigram():
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    train(t, trainers.UnigramTrainer(vocab_size=220, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>",
                                     show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    t.add_tokens([AddedToken("<|im_end|>", special=True)])
    return t


def expected(t):
    for text in TEXTS:
        whole = t.encode(text)
        plain = t.encode(text, add_special_tokens=False)
        t.enable_truncation(5)
        cut = t.encode(text).ids
        t.no_truncation()
        yield {"text": text, "ids": whole.ids, "plain": plain.ids, "cut to 5": cut,
               "offsets": [list(o) for o in plain.offsets],
               "decoded": t.decode(whole.ids)}


results = {}
for kind in (gpt2, llama3, sentencepiece, wordpiece, unigram):
    tokenizer = kind()
    (HERE / f"{kind.__name__}.json").write_text(tokenizer.to_str() + "\n", encoding="utf-8")
    results[kind.__name__] = {"size": tokenizer.get_vocab_size(), "cases": list(expected(tokenizer))}
(HERE / "expected.json").write_text(json.dumps(results, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")

bpe = Tokenizer(models.BPE())
bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
train(bpe, trainers.BpeTrainer(vocab_size=600, min_frequency=2, special_tokens=["<|endoftext|>", "<|im_start|>"],
                               initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
model = json.loads(bpe.to_str())["model"]
(HERE / "trained.json").write_text(json.dumps({"vocab": model["vocab"], "merges": model["merges"]},
                                              separators=(",", ":")) + "\n", encoding="utf-8")
