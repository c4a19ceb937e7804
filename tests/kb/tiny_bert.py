"""A BERT of two layers and sixteen numbers with random weights, in a folder as sentence-transformers writes one."""

import json
from pathlib import Path

import numpy as np

SIZE, INNER, LAYERS = 16, 32, 2
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "når", "apner", "åpner", "bibliotek", "##et", "?", "a")


def write(folder: Path, *, lower: bool = False) -> Path:
    """Write the model; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert",
        "hidden_size": SIZE,
        "num_attention_heads": 4,
        "num_hidden_layers": LAYERS,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lower}), "utf-8")
    (folder / "vocab.txt").write_text("\n".join(WORDS), "utf-8")
    header, body = {}, b""
    for name, values in _weights().items():
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [len(body), len(body) + values.nbytes],
        }
        body += values.tobytes()
    raw = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(raw).to_bytes(8, "little") + raw + body)
    return folder


def _weights() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), SIZE),
        "embeddings.position_embeddings.weight": (128, SIZE),
        "embeddings.token_type_embeddings.weight": (2, SIZE),
        "embeddings.LayerNorm.weight": (SIZE,),
        "embeddings.LayerNorm.bias": (SIZE,),
    }
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        for part, shape in (
            *((f"attention.self.{one}", (SIZE, SIZE)) for one in ("query", "key", "value")),
            ("attention.output.dense", (SIZE, SIZE)),
            ("intermediate.dense", (INNER, SIZE)),
            ("output.dense", (SIZE, INNER)),
        ):
            shapes |= {f"{name}.{part}.weight": shape, f"{name}.{part}.bias": shape[:1]}
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{name}.{part}.weight": (SIZE,), f"{name}.{part}.bias": (SIZE,)}
    dice = np.random.default_rng(7)
    return {name: dice.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
