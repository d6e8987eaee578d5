"""Generates greedily with transformers and prints tokens per second and the text.

The peer of io.athanor.benchmarks.DecodeSpeed: same weights, prompt length and threads.

    python generate.py FOLDER [--prompt TEXT] [--tokens 64] [--threads 2] [--rounds 3]
"""
import argparse
import json
import statistics
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--prompt", default="public static int max(int a, int b) {")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32)
    model.eval()
    prompt = tokenizer(args.prompt, return_tensors="pt", add_special_tokens=False)
    model.generate(**prompt, max_new_tokens=4, do_sample=False)
    rates = []
    for _ in range(args.rounds):
        start = time.perf_counter()
        out = model.generate(**prompt, max_new_tokens=args.tokens, min_new_tokens=args.tokens, do_sample=False)
        rates.append(args.tokens / (time.perf_counter() - start))
    new = out[0][prompt["input_ids"].shape[1] :]
    print(
        json.dumps(
            {
                "side": "transformers",
                "tokensPerSecond": round(statistics.median(rates), 2),
                "ids": new.tolist(),
                "text": tokenizer.decode(new),
            }
        )
    )


if __name__ == "__main__":
    main()
