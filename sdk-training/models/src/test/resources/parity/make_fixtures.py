"""Makes tiny models with random weights, and what transformers and PEFT compute with them.

    pip install torch==2.7.1 transformers==4.57.1 peft==0.17.1
    python make_fixtures.py

For each case it writes a folder next to this file: config.json and model.safetensors as
transformers saves them, an adapter folder as PEFT saves it for some, and expected.safetensors:

    input_ids, attention_mask   [b, t], right padded
    labels                      [b, t] with -100 where not scored, or [b]
    logits | embeddings         of the model
    generated                   [b, 16] greedy continuation of each row, its padding taken off
    loss                        of the labels
    log_probabilities, reference, preference_loss   of the rows as a preferred and a rejected answer
    contrastive_loss            of the rows as pairs, temperature 0.05
    adapter_logits              with the adapter on
    adapter_losses, adapter_gradient_norms, full_losses, full_gradient_norms
                                of five steps of AdamW on this batch, with the adapter and in full
"""

import json
import os
import shutil
import sys

import torch
import transformers as tf
from peft import LoraConfig, TaskType, get_peft_model
from safetensors.torch import save_file
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
VOCABULARY, SIZE, LENGTH, PADDING = 61, 16, 12, 0
BETA, TEMPERATURE = 0.1, 0.05

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

COMMON = dict(
    vocab_size=VOCABULARY,
    pad_token_id=PADDING,
    bos_token_id=1,
    eos_token_id=2,
    attn_implementation="eager",
)
DECODER = dict(
    COMMON,
    hidden_size=SIZE,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
)
ENCODER = dict(
    COMMON,
    hidden_size=SIZE,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=32,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)
GPT2 = dict(
    COMMON, n_embd=SIZE, n_layer=2, n_head=4, n_positions=32, n_inner=32, resid_pdrop=0.0, embd_pdrop=0.0,
    attn_pdrop=0.0,
)
DISTILBERT = dict(
    COMMON, dim=SIZE, hidden_dim=24, n_layers=2, n_heads=4, max_position_embeddings=32,
    dropout=0.0, attention_dropout=0.0, seq_classif_dropout=0.0,
)
LABELS = dict(num_labels=3)


def with_head(size):
    """A size of a head that is not the hidden size over the number of heads."""
    return dict(DECODER, head_dim=size)


GENERATION = {
    "llama": tf.LlamaConfig(**DECODER),
    "llama3": tf.LlamaConfig(
        **with_head(8),
        rope_theta=10000.0,
        rope_scaling=dict(
            rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=48,
        ),
    ),
    "linear": tf.LlamaConfig(**DECODER, rope_scaling=dict(rope_type="linear", factor=4.0)),
    "yarn": tf.LlamaConfig(
        **with_head(8),
        attention_bias=True,
        mlp_bias=True,
        rope_scaling=dict(
            rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=2.0,
            beta_slow=0.5,
        ),
    ),
    "smollm": tf.LlamaConfig(
        **{**DECODER, "hidden_size": 24, "num_attention_heads": 3, "num_key_value_heads": 1},
        tie_word_embeddings=True,
        rope_theta=100000.0,
    ),
    "mistral": tf.MistralConfig(**DECODER, sliding_window=4),
    "qwen2": tf.Qwen2Config(**DECODER, rope_theta=1000000.0),
    "qwen3": tf.Qwen3Config(**with_head(8), tie_word_embeddings=True),
    "gemma": tf.GemmaConfig(**{**with_head(8), "num_key_value_heads": 1}),
    "gemma2": tf.Gemma2Config(
        **{**with_head(8), "num_hidden_layers": 3},
        sliding_window=4,
        attn_logit_softcapping=1.5,
        final_logit_softcapping=2.0,
        query_pre_attn_scalar=24,
    ),
    "gpt2": tf.GPT2Config(**GPT2),
}
CLASSIFICATION = {
    "llama-classification": tf.LlamaConfig(**DECODER, **LABELS),
    "gpt2-classification": tf.GPT2Config(**GPT2, **LABELS),
    "bert-classification": tf.BertConfig(**ENCODER, **LABELS),
    "roberta-classification": tf.RobertaConfig(
        **{**ENCODER, "pad_token_id": 1, "bos_token_id": 0, "type_vocab_size": 1}, **LABELS
    ),
    "distilbert-classification": tf.DistilBertConfig(**DISTILBERT, **LABELS),
}
EMBEDDING = {
    "bert-embedding": tf.BertConfig(**ENCODER),
}
ADAPTERS = {
    "llama": dict(
        task_type=TaskType.CAUSAL_LM,
        target_modules="q_proj k_proj v_proj o_proj gate_proj up_proj down_proj".split(),
    ),
    "gpt2": dict(
        task_type=TaskType.CAUSAL_LM, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True
    ),
    "bert-classification": dict(task_type=TaskType.SEQ_CLS, target_modules=["query", "value"]),
}


def randomise(model, seed):
    """Weights so large that a wrong operation shows, norms and biases away from one and zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            start = parameter if parameter.dim() == 1 and name.endswith("weight") else 0.0
            parameter.copy_(start + 0.3 * noise)
        embeddings = model.get_input_embeddings()
        if embeddings.padding_idx is not None:
            embeddings.weight[embeddings.padding_idx].zero_()
    return model.eval()


def batch(rows, padding, seed):
    """Rows of ids, every second one shorter and padded on the right."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, VOCABULARY, (rows, LENGTH), generator=generator)
    mask = torch.ones_like(ids)
    for row in range(1, rows, 2):
        mask[row, LENGTH - 3 - row :] = 0
    return dict(input_ids=ids.masked_fill(mask == 0, padding), attention_mask=mask)


def greedy(model, inputs):
    model.generation_config.eos_token_id = None
    rows = []
    for ids, mask in zip(inputs["input_ids"], inputs["attention_mask"]):
        prompt = ids[: mask.sum()].unsqueeze(0)
        text = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=16
        )
        rows.append(text[0, prompt.shape[1] :])
    return torch.stack(rows)


def steps(model, inputs, labels):
    """The loss and the norm of the gradient of five steps."""
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
    )
    losses, norms = [], []
    for _ in range(5):
        optimizer.zero_grad()
        loss = model(**inputs, labels=labels).loss
        loss.backward()
        losses.append(loss.detach())
        norms.append(torch.stack([p.grad.norm() for p in trained if p.grad is not None]).norm())
        optimizer.step()
    return torch.stack(losses), torch.stack(norms)


def with_adapter(model, name, seed):
    settings = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, **ADAPTERS[name])
    tuned = get_peft_model(model, settings)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for path, parameter in tuned.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return tuned.eval()


def save_adapter(tuned, folder):
    tuned.peft_config["default"].base_model_name_or_path = None
    target = os.path.join(folder, "adapter")
    tuned.save_pretrained(target)
    os.remove(os.path.join(target, "README.md"))
    path = os.path.join(target, "adapter_config.json")
    with open(path) as file:
        settings = json.load(file)
    settings["target_modules"].sort()  # a set, so its order differs from run to run
    with open(path, "w") as file:
        json.dump(settings, file, indent=2, sort_keys=True)


def preference(logits, labels):
    shifted = labels[:, 1:]
    chosen = logits[:, :-1].log_softmax(-1).gather(2, shifted.clamp(min=0).unsqueeze(2)).squeeze(2)
    sums = (chosen * (shifted != -100)).sum(1)
    reference = sums + torch.tensor([0.7, -0.4])
    lead = (sums[0] - sums[1]) - (reference[0] - reference[1])
    return dict(
        log_probabilities=sums,
        reference=reference,
        preference_loss=-F.logsigmoid(BETA * lead),
    )


def sentence(model, inputs):
    """The pooling of sentence-transformers."""
    states = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(2).to(states.dtype)
    return F.normalize((states * mask).sum(1) / mask.sum(1), dim=1)


def contrastive(embeddings):
    scores = embeddings[0::2] @ embeddings[1::2].T / TEMPERATURE
    return F.cross_entropy(scores, torch.arange(scores.shape[0]))


def case(name, seed, make, rows, expect):
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    model = randomise(make(), seed)
    model.save_pretrained(folder)
    inputs = batch(rows, model.config.pad_token_id, seed)
    expected = dict(inputs)
    with torch.no_grad():
        expected.update(expect(model, inputs))
    if "labels" in expected:
        labels = expected["labels"]
        fresh = lambda: randomise(make(), seed)
        if name in ADAPTERS:
            expected["full_losses"], expected["full_gradient_norms"] = steps(
                fresh(), inputs, labels
            )
            tuned = with_adapter(fresh(), name, seed)
            save_adapter(tuned, folder)
            with torch.no_grad():
                expected["adapter_logits"] = tuned(**inputs).logits
            expected["adapter_losses"], expected["adapter_gradient_norms"] = steps(
                tuned, inputs, labels
            )
    tensors = {key: value.clone().contiguous() for key, value in expected.items()}
    save_file(tensors, os.path.join(folder, "expected.safetensors"))
    size = sum(os.path.getsize(os.path.join(at, f)) for at, _, fs in os.walk(folder) for f in fs)
    print(f"{name:26} {size / 1024:6.1f} KB  loss {float(expected.get('loss', torch.nan)):.4f}")


def generation(model, inputs):
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    labels[:, :3] = -100
    result = model(**inputs, labels=labels)
    return dict(
        labels=labels,
        logits=result.logits,
        loss=result.loss,
        generated=greedy(model, inputs),
        **preference(result.logits, labels),
    )


def classification(model, inputs):
    labels = torch.tensor([2, 0, 1])
    result = model(**inputs, labels=labels)
    return dict(labels=labels, logits=result.logits, loss=result.loss)


def embedding(model, inputs):
    embeddings = sentence(model, inputs)
    return dict(embeddings=embeddings, contrastive_loss=contrastive(embeddings))


def main(chosen):
    cases = (
        [(n, c, tf.AutoModelForCausalLM, 2, generation) for n, c in GENERATION.items()]
        + [
            (n, c, tf.AutoModelForSequenceClassification, 3, classification)
            for n, c in CLASSIFICATION.items()
        ]
        + [(n, c, tf.AutoModel, 4, embedding) for n, c in EMBEDDING.items()]
    )
    for seed, (name, config, kind, rows, expect) in enumerate(cases, 1):
        if not chosen or name in chosen:
            make = lambda: kind.from_config(config, attn_implementation="eager")
            case(name, seed, make, rows, expect)


if __name__ == "__main__":
    main(sys.argv[1:])
