"""Make a tiny random Qwen2 with a tokenizer of its own, for servers that need some model.

Run by the Python that vLLM is installed in: `python tiny_model.py FOLDER`. The seeds are fixed, so
the same versions make the same weights. It can say nothing sensible, which is the point: what a
mission makes of its answers shows how Hekaton treats a model that fails.
"""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

SEED = 20
VOCABULARY = 4096
CONTEXT = 16384
FILES = 120
"""Sources of the standard library that the tokenizer learns from."""
CONTROLS = (*range(10), *range(11, 32), 127)
"""All but the line end."""
END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def sources() -> Iterator[str]:
    """The first modules of the standard library by name."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(folder.glob("*.py"))[:FILES]:
        text = path.read_text(encoding="utf-8", errors="replace").expandtabs()
        yield text.translate(dict.fromkeys(CONTROLS))


def alphabet() -> list[str]:
    """Every byte but the control characters, in the signs that byte-level BPE writes for them.

    In a string of limited length xgrammar lets them stand bare, which JSON forbids, and a model
    that writes at random would hit one in every long string.
    """
    controls = {
        pre_tokenizers.ByteLevel().pre_tokenize_str(chr(byte))[0][0][-1] for byte in CONTROLS
    }
    return [sign for sign in pre_tokenizers.ByteLevel.alphabet() if sign not in controls]


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE: no text has more tokens than bytes, which is what budgets rely on."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END, START, STOP],
        initial_alphabet=alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(sources(), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=STOP, pad_token=END)
    fast.chat_template = CHAT
    return fast


def model(end: int, pad: int) -> Qwen2ForCausalLM:
    """4.5 million weights, wide enough apart that the next token depends on what came before."""
    torch.manual_seed(SEED)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.15,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        dtype="bfloat16",
    )
    return Qwen2ForCausalLM(config).to(torch.bfloat16)


def main(folder: Path) -> None:
    words = tokenizer()
    made = model(words.eos_token_id, words.pad_token_id)
    made.save_pretrained(folder)
    words.save_pretrained(folder)
    weights = sum(weight.numel() for weight in made.parameters())
    print(f"{folder}: {weights:,} weights, {len(words):,} tokens of vocabulary")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
