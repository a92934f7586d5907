"""Make a random Qwen2 whose KV cache matters, for the tests of packed K and V.

Run by the Python that vLLM is installed in: `PYTHONPATH=e2e python -m vllm_cpu.packed_model FOLDER`.
Heads of 128, two queries for each K and V; a K bias as wide as real models have; weights wide enough
that another K or V makes other tokens. The last token of the vocabulary stands for a broken input:
its embedding is not a number.
"""

import sys
from pathlib import Path

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM
from vllm_cpu import tiny_model

LAYERS = 3
CONTEXT = 2048


def model(vocabulary: int, end: int, pad: int) -> Qwen2ForCausalLM:
    torch.manual_seed(tiny_model.SEED)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=512,
        intermediate_size=512,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.06,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        dtype="bfloat16",
    )
    made = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for layer in made.model.layers:
            torch.nn.init.normal_(layer.self_attn.k_proj.bias, std=2.0)
        made.model.embed_tokens.weight[-1] = torch.nan
    return made.to(torch.bfloat16)


def main(folder: Path) -> None:
    words = tiny_model.tokenizer()
    made = model(tiny_model.VOCABULARY, words.eos_token_id, words.pad_token_id)
    made.save_pretrained(folder)
    words.save_pretrained(folder)
    print(f"{folder}: {LAYERS} layers, {len(words):,} tokens of vocabulary")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
