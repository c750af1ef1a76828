"""Trains the tokenizers of this folder and writes how many tokens the reference implementations make of texts.

    pip install tokenizers==0.23.3 tiktoken==0.14.0
    python make_tokenizers.py CL100K_BASE

CL100K_BASE is the file `cl100k_base.tiktoken`, of which tiktoken checks the hash; it lies in the Rust crate tiktoken-rs
0.12.1 as well. The training text is made up by `make.py`'s words and a few sentences below. Rewrites byte_level.json,
word_piece.json, unigram.json and tokens.json. The trainers of WordPiece and Unigram break ties by chance, so another run
gives other files of equal worth.
"""

import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SYLLABLES = ["ka", "lo", "mi", "tu", "re", "so", "né", "ül", "ña", "жи", "ра", "水", "山", "λο", "x"]
SENTENCES = [
    "The mill grinds what the river brings: web pages, old and new.",
    "Don't stop at 3.14% of $5.00, she'd said; we've 1,000,000 more (e.g. 2026-11-21).",
    "Die Mühle mahlt, was der Fluss bringt: Seiten aus dem Netz, alte und neue.",
    "Мельница мелет то, что приносит река.",
    "水车磨着河水带来的东西。",
    "  indented\n\n\tand\r\nbroken   lines  \n",
]


def corpus():
    chooser = random.Random(4)
    words = ["".join(chooser.choices(SYLLABLES, k=chooser.randint(1, 4))) for _ in range(200)]
    made_up = [" ".join(chooser.choices(words, k=12)) for _ in range(200)]
    return made_up + SENTENCES * 20


def cases():
    made_up = corpus()
    found = [[text, 1] for text in made_up[:12] + SENTENCES]
    found += [
        ["", 1],
        [" ", 1],
        ["\n\n\n", 1],
        ["<s> The mill</s> [MASK] <|endoftext|> [UNK]", 1],
        ["emoji 🦀👩‍👩‍👧 e\u0301\u0301 \u00a0\u3000\u200b\ufeff\0\x7f", 1],
        ["ﬁ ½ Å Å ＡＢＣ ǅ", 1],
        ["THE MILL'S 'S ’s WE'LL", 1],
        ["مرحبا بالعالم नमस्ते दुनिया 안녕하세요 สวัสดี", 1],
        ["never-seen-before#@!~ qqzzjj", 1],
        ["a", 3000],
        [" ", 3000],
        [SENTENCES[0] + " ", 200],
        ["水", 999],
        ["12345 ", 50],
        ["!?", 500],
    ]
    return found


def train():
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    # A special token that is added when asked for, truncation and padding: none of them counts.
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
    )
    tokenizer.enable_truncation(64)
    tokenizer.enable_padding(length=64)
    tokenizer.save(str(HERE / "byte_level.json"), pretty=False)

    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.save(str(HERE / "word_piece.json"), pretty=False)

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\t", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.save(str(HERE / "unigram.json"), pretty=False)


def count():
    from tokenizers import Tokenizer

    texts = [text * times for text, times in cases()]
    golden = []
    for name in ["byte_level.json", "unigram.json", "word_piece.json"]:
        tokenizer = Tokenizer.from_file(str(HERE / name))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        answers = [len(tokenizer.encode(text, add_special_tokens=False)) for text in texts]
        golden.append({"file": name, "answers": answers})
    return golden


def count_cl100k(path):
    with tempfile.TemporaryDirectory() as folder:
        address = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
        shutil.copy(path, Path(folder, hashlib.sha1(address.encode()).hexdigest()))
        os.environ["TIKTOKEN_CACHE_DIR"] = folder
        import tiktoken

        encoding = tiktoken.get_encoding("cl100k_base")
        answers = [len(encoding.encode_ordinary(text * times)) for text, times in cases()]
    return {"file": "cl100k_base", "answers": answers}


if __name__ == "__main__":
    train()
    golden = {"cases": cases(), "models": [*count(), count_cl100k(sys.argv[1])]}
    text = json.dumps(golden, separators=(",", ":")).replace('{"file"', '\n{"file"')
    (HERE / "tokens.json").write_text(text + "\n")
