"""Makes the GGUF fixtures beside this script, with the Python packages gguf, torch, transformers,
safetensors, sentencepiece and tokenizers:

    python make_fixtures.py

types.gguf       one tensor of every quantised type (random bytes, sane scales), and under
                 NAME.expected what the package gguf makes of it
FAMILY.gguf      a tiny model with random weights, laid out by the rules of llama.cpp's converter;
FAMILY.safetensors, FAMILY.json   the same model's tensors and configuration by transformers
spm.json, bpe.json   the tokenizers that llama.gguf and gpt2.gguf hold, as Hugging Face has them
"""

import json
import pathlib
import tempfile

import gguf
import numpy as np
import sentencepiece
import torch
import transformers
from gguf.quants import dequantize
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

HERE = pathlib.Path(__file__).parent
TYPES = gguf.GGMLQuantizationType
TEXT = [
    "The quick brown fox jumps over the lazy dog. ",
    "A model reads and writes text, one token after the other. ",
    "Das Wetter ist heute schön, naïve façade 1234 567. ",
] * 40


def types():
    random = np.random.default_rng(7)
    writer = gguf.GGUFWriter(HERE / "types.gguf", "test")
    writer.add_uint8("v.u8", 200)
    writer.add_int8("v.i8", -100)
    writer.add_uint16("v.u16", 60000)
    writer.add_int16("v.i16", -30000)
    writer.add_uint32("v.u32", 4000000000)
    writer.add_int32("v.i32", -2000000000)
    writer.add_uint64("v.u64", 2**62)
    writer.add_int64("v.i64", -(2**62))
    writer.add_float32("v.f32", 1e-5)
    writer.add_float64("v.f64", 1e-300)
    writer.add_bool("v.bool", True)
    writer.add_string("v.text", "é\n")
    writer.add_array("v.texts", ["a", "", "ü"])
    writer.add_array("v.integers", [1, -2, 3])
    writer.add_array("v.floats", [0.5, -1.5])
    # Where the half-precision scales lie in a block.
    scales = {
        TYPES.Q4_0: [0], TYPES.Q4_1: [0, 2], TYPES.Q5_0: [0], TYPES.Q5_1: [0, 2],
        TYPES.Q8_0: [0], TYPES.Q4_K: [0, 2], TYPES.Q5_K: [0, 2], TYPES.Q6_K: [208],
    }
    for kind, places in scales.items():
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (512 // elements, size), dtype=np.uint8)
        for place in places:
            scale = random.normal(0, 0.1, len(blocks)).astype(np.float16)
            blocks[:, place : place + 2] = scale.reshape(-1, 1).view(np.uint8)
        rows = blocks.reshape(2, -1)
        writer.add_tensor(kind.name, rows, raw_dtype=kind)
        writer.add_tensor(kind.name + ".expected", dequantize(rows, kind))
    halves = random.normal(0, 1, (2, 8)).astype(np.float16)
    writer.add_tensor("F16", halves)
    writer.add_tensor("I64", np.array([1, -(2**60)], dtype=np.int64))
    writer.add_tensor("I32", np.array([5, -6, 7], dtype=np.int32))
    brains = torch.randn(3, 5, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    writer.add_tensor("BF16", brains.view(torch.uint8).numpy(), raw_dtype=TYPES.BF16)
    writer.add_tensor("BF16.expected", brains.float().numpy())
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sentence_pieces(writer):
    with tempfile.TemporaryDirectory() as folder:
        prefix = str(pathlib.Path(folder) / "spm")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXT), model_prefix=prefix, vocab_size=360, model_type="bpe",
            byte_fallback=True, character_coverage=0.98, num_threads=1,
            user_defined_symbols=["<|user|>"], minloglevel=2)
        pieces = sentencepiece.SentencePieceProcessor(prefix + ".model")
        fast = transformers.LlamaTokenizerFast(
            prefix + ".model", legacy=True, add_bos_token=True, add_prefix_space=True, from_slow=True)
        fast.backend_tokenizer.save(str(HERE / "spm.json"), pretty=False)
    tokens, scores, kinds = [], [], []
    for i in range(pieces.vocab_size()):
        tokens.append(pieces.id_to_piece(i))
        scores.append(pieces.get_score(i))
        kinds.append(
            2 if pieces.is_unknown(i) else 3 if pieces.is_control(i)
            else 6 if pieces.is_byte(i) else 4 if tokens[-1] == "<|user|>" else 1)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_chat_template("{{ messages }}")
    return len(tokens)


def byte_level(writer):
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        TEXT,
        BpeTrainer(
            vocab_size=330, special_tokens=["<|endoftext|>"], show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.save(str(HERE / "bpe.json"), pretty=False)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3] + [1] * (len(tokens) - 1))
    writer.add_token_merges([" ".join(merge) for merge in model["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    return len(tokens)


def permuted(weight, heads):
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def decoder(name, config_class, model_class, arch, **settings):
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", name)
    vocabulary = sentence_pieces(writer) if name == "llama" else 40
    torch.manual_seed(3)
    config = config_class(
        vocab_size=vocabulary, hidden_size=8, intermediate_size=12, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64, **settings)
    model = model_class(config)
    torch.nn.init.normal_(model.model.norm.weight, 0, 0.5)
    for layer in model.model.layers:
        torch.nn.init.normal_(layer.input_layernorm.weight, 0, 0.5)
    head = getattr(config, "head_dim", None) or 4
    writer.add_context_length(64)
    writer.add_embedding_length(8)
    writer.add_feed_forward_length(12)
    writer.add_block_count(2)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(head)
    writer.add_key_length(head)
    writer.add_value_length(head)
    if name == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
        writer.add_sliding_window(config.sliding_window)

    def changed(key, array):
        if name == "llama" and "q_proj" in key:
            return permuted(array, 2)
        if name == "llama" and "k_proj" in key:
            return permuted(array, 1)
        return array + 1 if name.startswith("gemma") and key.endswith("norm.weight") else array

    if name == "llama":
        inverse, _ = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
        plain = 1.0 / config.rope_theta ** (torch.arange(0, head, 2).float() / head)
        writer.add_tensor("rope_freqs.weight", (plain / inverse).numpy())
    model_files(name, writer, model, config, arch, changed)


def model_files(name, writer, model, config, arch, changed):
    tied = config.tie_word_embeddings
    state = {
        key: value.contiguous().clone() for key, value in model.state_dict().items()
        if not (tied and key == "lm_head.weight")}
    save_file(state, HERE / f"{name}.safetensors")
    (HERE / f"{name}.json").write_text(json.dumps(config.to_dict(), sort_keys=True))
    names = gguf.get_tensor_name_map(arch, 2)
    for key, value in state.items():
        target = names.get_name(key, try_suffixes=(".weight", ".bias"))
        writer.add_tensor(target, np.ascontiguousarray(changed(key, value.numpy())))
    finish(writer)


def gpt2():
    writer = gguf.GGUFWriter(HERE / "gpt2.gguf", "gpt2")
    vocabulary = byte_level(writer)
    torch.manual_seed(3)
    config = transformers.GPT2Config(
        vocab_size=vocabulary, n_embd=8, n_inner=12, n_layer=2, n_head=2, n_positions=16)
    writer.add_context_length(16)
    writer.add_embedding_length(8)
    writer.add_feed_forward_length(12)
    writer.add_block_count(2)
    writer.add_head_count(2)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    conv = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    model_files(
        "gpt2", writer, transformers.GPT2LMHeadModel(config), config, gguf.MODEL_ARCH.GPT2,
        lambda key, array: array.T if key.endswith(conv) else array)


if __name__ == "__main__":
    types()
    t = transformers
    a = gguf.MODEL_ARCH
    decoder(
        "llama", t.LlamaConfig, t.LlamaForCausalLM, a.LLAMA, rope_theta=10.0, head_dim=8,
        attention_bias=True,
        rope_scaling={
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32})
    decoder("qwen2", t.Qwen2Config, t.Qwen2ForCausalLM, a.QWEN2, tie_word_embeddings=True)
    decoder("qwen3", t.Qwen3Config, t.Qwen3ForCausalLM, a.QWEN3, head_dim=6)
    decoder("gemma", t.GemmaConfig, t.GemmaForCausalLM, a.GEMMA, head_dim=6)
    decoder(
        "gemma2", t.Gemma2Config, t.Gemma2ForCausalLM, a.GEMMA2, head_dim=6,
        query_pre_attn_scalar=6, sliding_window=32)
    gpt2()
