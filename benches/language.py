"""Makes texts whose language is known, and counts how often answers name it.

    pip download --no-deps django==5.2.19 && unzip django-*.whl -d DJANGO
    python3 language.py texts DJANGO > texts.jsonl
    name_languages texts.jsonl > answers.jsonl      # an example of crates/text, or any other detector
    python3 language.py table texts.jsonl answers.jsonl ...

Texts are Django's translated messages in any order, 20 of each language cut to 20, 60 and 200 words (of two characters where there
are no spaces). Answers are JSON lines such as ["en", 0.98], in ISO 639-1 or ISO 639-3.
"""

import gettext
import json
import random
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

LENGTHS = [20, 60, 200]
WITHOUT_SPACES = {"zh", "ja", "th", "km", "my"}
WIDESPREAD = (
    "en de fr es it pt nl pl ru uk cs sv da nb fi hu ro bg el tr ar fa he hi bn ta te th vi id ja ko zh ca hr sr sk sl lt lv et".split()
)
# As the other detectors say it.
SAME = {"no": "nb", "cmn": "zh", "ekk": "et", "lvs": "lv", "arb": "ar", "pes": "fa"}


def messages(django):
    """The translated messages of each language, without placeholders and markup."""
    found = defaultdict(set)
    for path in Path(django).glob("django/**/LC_MESSAGES/django.mo"):
        locale = path.parts[-3]
        if locale == "sr_Latn":
            continue
        shortest = 5 if locale[:2] in WITHOUT_SPACES | {"ko"} else 15
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog
        for key, text in catalogue.items():
            source = key[0] if isinstance(key, tuple) else key
            if not source or not isinstance(text, str) or "\n" in text or len(text) < shortest:
                continue
            text = re.sub(r'%\(\w+\)\w|%\w|\{[^}]*\}|<[^>]+>|&\w+;|[“”"]', "", text)
            if text != source or locale.startswith("en"):
                found[locale].add(" ".join(text.split()))
    return found


def write_texts(django):
    chooser = random.Random(1)
    for locale, pool in sorted(messages(django).items()):
        language = locale.split("_")[0]
        pool = sorted(pool)
        if sum(map(len, pool)) < 2500:
            continue
        for length in LENGTHS:
            for _ in range(20):
                chooser.shuffle(pool)
                text = " ".join(pool[: 2 * length])
                text = text[: 2 * length] if language in WITHOUT_SPACES else " ".join(text.split()[:length])
                print(json.dumps({"lang": language, "words": length, "text": text}, ensure_ascii=False))


def print_table(texts, answers):
    texts = [json.loads(line) for line in open(texts, encoding="utf-8")]
    languages = sorted({text["lang"] for text in texts})
    print(f"{len(texts)} texts, {len(languages)} languages")
    for path in answers:
        given = [json.loads(line) for line in open(path, encoding="utf-8")]
        given = [(SAME.get(label, label), score) for label, score in given]
        print(path, len({text["lang"] for text, (label, _) in zip(texts, given) if label == text["lang"]}), "languages right at least once")
        for length in LENGTHS:
            rows = [(text["lang"], *answer) for text, answer in zip(texts, given) if text["words"] == length]
            right = lambda known: sum(l == label for l, label, _ in rows if l in known) / sum(l in known for l, *_ in rows)
            sure = [(l, label) for l, label, score in rows if score > 0.65]
            english = Counter(l == "en" for l, label in sure if label == "en")
            print(
                f"  {length} words: {right(WIDESPREAD):.1%} of {len(set(WIDESPREAD) & set(languages))} widespread, {right(languages):.1%} of all;"
                f" {len(sure) / len(rows):.1%} above 0.65, {sum(l == label for l, label in sure) / len(sure):.1%} of them right;"
                f" English above 0.65: {english[True]} of {sum(l == 'en' for l, *_ in rows)}, {english[False]} others"
            )


if __name__ == "__main__":
    if sys.argv[1] == "texts":
        write_texts(sys.argv[2])
    else:
        print_table(sys.argv[2], sys.argv[3:])
