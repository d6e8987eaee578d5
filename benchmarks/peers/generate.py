"""Generates greedily with transformers; a round for each line of the standard input.

The peer of io.athanor.benchmarks.DecodeSpeed: same folder, prompt, threads and new tokens.

    python generate.py FOLDER TEXT_FILE [--prompt 256] [--tokens 64] [--threads 2]
"""
import argparse
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.streamers import BaseStreamer


class Times(BaseStreamer):
    """When the prompt was put in, and when each token came."""

    def __init__(self):
        self.at = []

    def put(self, value):
        self.at.append((time.perf_counter(), time.process_time()))

    def end(self):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("text")
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32).eval()
    text = open(args.text, encoding="utf-8").read()
    ids = tokenizer(text, return_tensors="pt").input_ids[:, : args.prompt]
    for _ in sys.stdin:
        times = Times()
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=args.tokens,
            min_new_tokens=args.tokens,
            do_sample=False,
            repetition_penalty=1.0,
            streamer=times,
        )
        (prompted, _), (first, used), (last, used_last) = times.at[0], times.at[1], times.at[-1]
        print(
            json.dumps(
                {
                    "prompt": ids.shape[1] / (first - prompted),
                    "decode": (args.tokens - 1) / (last - first),
                    "decode_cpu": (args.tokens - 1) / (used_last - used),
                    "ids": out[0, ids.shape[1] :].tolist(),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
