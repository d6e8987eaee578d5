"""Makes the Hugging Face and PEFT folders that the format tests read.

Run with: python make_fixtures.py   (torch 2.7.1, transformers 4.57.1, peft 0.17.1, tokenizers 0.22)
The models are tiny and random; the folders are exactly what the two libraries write. The file
expected.json beside them says which tensors they hold, with a checksum of each: the sum of its
elements, and the sum of each element times its place counted from 1, both in double precision.
"""

import json
import pathlib
import shutil

import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

HF = pathlib.Path(__file__).resolve().parent
PEFT = HF.parent / "peft"
TEXT = ["the cat sat on the mat", "a model reads the text and writes the next word"] * 4
CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}</s>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tokenizer():
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=64, special_tokens=["<unk>", "<s>", "</s>", "<pad>"], show_progress=False
    )
    bpe.train_from_iterator(TEXT, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>", model_max_length=32,
    )
    fast.chat_template = CHAT
    return fast


def fill(model, seed):
    """Values that differ everywhere, so that a transposed or exchanged tensor is seen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


def save(model, folder, **options):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, **options)
    readme = folder / "README.md"
    readme.unlink(missing_ok=True)


def sums(folder):
    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        for name, tensor in load_file(file).items():
            flat = tensor.double().flatten()
            place = torch.arange(1, flat.numel() + 1, dtype=torch.double)
            found[name] = {
                "dtype": str(tensor.dtype).removeprefix("torch."),
                "shape": list(tensor.shape),
                "sum": flat.sum().item(),
                "weighted": (flat * place).sum().item(),
            }
    return found


def llama():
    config = LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=32,
        bos_token_id=1, eos_token_id=2, pad_token_id=3, tie_word_embeddings=False,
    )
    return fill(LlamaForCausalLM(config), 1)


def gpt2():
    config = GPT2Config(
        vocab_size=64, n_positions=32, n_embd=16, n_layer=2, n_head=4,
        bos_token_id=1, eos_token_id=2,
    )
    return fill(GPT2LMHeadModel(config), 2)


def bert():
    config = BertConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=32, max_position_embeddings=32, num_labels=3, pad_token_id=3,
    )
    return fill(BertForSequenceClassification(config), 3)


def main():
    sharded = llama().to(torch.bfloat16)
    sharded.generation_config.eos_token_id = [2, 3]
    sharded.generation_config.temperature = 0.5
    sharded.generation_config.do_sample = True
    save(sharded, HF / "llama-sharded", max_shard_size="8KB")
    tokenizer().save_pretrained(HF / "llama-sharded")

    save(gpt2(), HF / "gpt2")
    legacy = tokenizer()
    legacy.save_pretrained(HF / "gpt2", save_jinja_files=False)

    save(bert().half(), HF / "bert-classifier")

    lora = dict(r=2, lora_alpha=4)
    adapters = {
        "lora-bert-classifier": (
            bert(), LoraConfig(task_type="SEQ_CLS", target_modules=["query", "value"],
                               lora_dropout=0.1, **lora)),
        "lora-gpt2": (
            gpt2(), LoraConfig(task_type="CAUSAL_LM", target_modules=["c_attn"],
                               fan_in_fan_out=True, **lora)),
        "rslora-llama": (
            llama(), LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear",
                                use_rslora=True, rank_pattern={"q_proj": 3},
                                alpha_pattern={"q_proj": 9}, **lora)),
        "dora-llama": (
            llama(), LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"],
                                use_dora=True, **lora)),
        "regex-llama": (
            llama(), LoraConfig(task_type="CAUSAL_LM", target_modules=r".*layers\.1\..*_proj",
                                **lora)),
        "prompt-llama": (
            llama(), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5)),
        "prompt-bert-classifier": (
            bert(), PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=5)),
    }
    for name, (model, config) in adapters.items():
        model.config._name_or_path = "tiny"
        adapted = get_peft_model(model, config)
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for key, parameter in adapted.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
        save(adapted, PEFT / name)

    expected = {
        str(folder.relative_to(HF.parent)): sums(folder)
        for parent in (HF, PEFT)
        for folder in sorted(parent.iterdir())
        if folder.is_dir()
    }
    (HF / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
