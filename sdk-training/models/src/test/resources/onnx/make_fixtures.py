"""Makes the ONNX fixture beside this script, with the Python packages torch, transformers, onnx and
safetensors:

    python make_fixtures.py

bert.onnx          a tiny BERT with random weights, exported by PyTorch's tracing exporter
bert.safetensors   the same model's tensors by transformers
bert.json          and its configuration
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent

torch.manual_seed(5)
config = transformers.BertConfig(
    vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
    max_position_embeddings=16, type_vocab_size=2)
config._attn_implementation = "eager"
model = transformers.BertModel(config).eval()
for parameter in model.parameters():
    torch.nn.init.normal_(parameter, 0, 0.5)
state = {k: v for k, v in model.state_dict().items() if not k.endswith("position_ids")}
save_file(state, HERE / "bert.safetensors")
(HERE / "bert.json").write_text(json.dumps(config.to_dict(), sort_keys=True))
ids = torch.ones(1, 5, dtype=torch.long)
torch.onnx.export(
    model, (ids, ids, ids), HERE / "bert.onnx", opset_version=14, dynamo=False,
    input_names=["input_ids", "attention_mask", "token_type_ids"], output_names=["hidden", "pooled"],
    dynamic_axes={name: {0: "b", 1: "t"} for name in ("input_ids", "attention_mask", "token_type_ids")})
