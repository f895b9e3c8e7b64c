"""A tiny Whisper, made and not learned: it hears the same sentence in whatever is recorded.

It runs in vLLM's own environment, which has what writes models. vLLM asks for the language first where nobody says it, so
that the tokenizer needs all of Whisper's.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import torch
from tokenizers import AddedToken
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)
from transformers.models.whisper.tokenization_whisper import LANGUAGES

SENTENCE = "The tiny model heard a recording."  # no word twice
_WORDS = SENTENCE.replace(" ", " Ġ").split()  # Ġ is a space to a byte-level tokenizer
_WIDTH, _LAYERS, _SECONDS = 64, 1, 30


def write_whisper(folder: Path) -> None:
    """Write what `vllm serve` takes."""
    tokenizer = _tokenizer()
    ids = tokenizer.get_vocab()
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=_WIDTH,
        encoder_layers=_LAYERS,
        decoder_layers=_LAYERS,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=_WIDTH,
        decoder_ffn_dim=_WIDTH,
        num_mel_bins=80,
        max_source_positions=_SECONDS * 50,
        max_target_positions=448,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=start,
        begin_suppress_tokens=None,
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    said = [ids["<|notimestamps|>"], *map(ids.get, _WORDS), end]
    follows = {start: ids["<|en|>"]} | dict(pairwise(said))
    follows[ids["<|0.00|>"]] = said[1]  # what verbose_json begins with in place of <|notimestamps|>
    _teach(model, follows)
    model.generation_config = GenerationConfig(
        bos_token_id=end, eos_token_id=end, pad_token_id=end, decoder_start_token_id=start, max_length=448
    )
    model.to(torch.bfloat16).save_pretrained(folder)  # config.json, generation_config.json, model.safetensors
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80, chunk_length=_SECONDS), tokenizer).save_pretrained(folder)


def _tokenizer() -> WhisperTokenizer:
    """One token a byte, one a word of the sentence, and Whisper's own special ones in their order."""
    vocabulary = {token: at for at, token in enumerate([*sorted(ByteLevel.alphabet()), *_WORDS])}
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[])
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{language}|>" for language in LANGUAGES)]
    special += [
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.add_tokens([AddedToken(f"<|{at * 0.02:.2f}|>", normalized=False) for at in range(_SECONDS * 50 + 1)])
    return tokenizer


@torch.no_grad()
def _teach(model: WhisperForConditionalGeneration, follows: dict[int, int]) -> None:
    """Make one token lead to the next in the last layer's MLP: a unit for each, the rest adds nothing."""
    decoder = model.model.decoder
    known = torch.nn.functional.normalize(torch.randn(model.config.vocab_size, _WIDTH), dim=1) * _WIDTH**0.5
    decoder.embed_tokens.weight.copy_(known)
    decoder.embed_positions.weight.zero_()
    for layer in decoder.layers:
        for part in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc1, layer.fc2):
            part.weight.zero_()
            part.bias.zero_()
    last = decoder.layers[-1]
    for unit, (token, then) in enumerate(follows.items()):
        last.fc1.weight[unit] = known[token] * 20 / _WIDTH  # 20 for this token, below 14 for any other
        last.fc1.bias[unit] = -14
        last.fc2.weight[:, unit] = known[then]
    model.tie_weights()


if __name__ == "__main__":
    write_whisper(Path(sys.argv[1]))
