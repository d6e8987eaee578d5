"""Fine-tunes a Hugging Face folder with transformers and PEFT, step by step, and prints what each step cost.

The peer of io.athanor.benchmarks.LanguageModelStep: same weights, batches, optimizer and threads.

    python finetune.py FOLDER full|lora [--batch 2] [--length 256] [--steps 6] [--threads 2] [--recompute]
"""
import argparse
import json
import statistics
import time

import torch
from transformers import AutoModelForCausalLM


def ids(step, batch, length, vocabulary):
    """The batches that the Java side reads too."""
    at = torch.arange(batch * length, dtype=torch.long)
    return ((at * 7919 + at * at % 8191 + step * 104729) % vocabulary).reshape(batch, length)


def peak_mebibytes():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("mode", choices=["full", "lora"])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--recompute", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32)
    model.config.use_cache = False
    if args.mode == "lora":
        from peft import LoraConfig, get_peft_model

        targets = ["q_proj", "k_proj", "v_proj", "o_proj"]
        config = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=targets, task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
    if args.recompute:
        model.gradient_checkpointing_enable()
        if args.mode == "lora":
            model.enable_input_require_grads()
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0, fused=True)
    seconds, losses = [], []
    for step in range(args.steps):
        batch = ids(step, args.batch, args.length, model.config.vocab_size)
        start = time.perf_counter()
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[1:])
    print(
        json.dumps(
            {
                "side": "transformers" + (" + peft" if args.mode == "lora" else ""),
                "mode": args.mode + ("-recompute" if args.recompute else ""),
                "tokensPerSecond": round(args.batch * args.length / median, 1),
                "medianSeconds": round(median, 3),
                "peakMebibytes": round(peak_mebibytes()),
                "losses": [round(x, 5) for x in losses],
            }
        )
    )


if __name__ == "__main__":
    main()
