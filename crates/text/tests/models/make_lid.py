"""Trains a tiny model of four languages and writes what fastText says of texts, asked as datatrove asks lid.176.bin.

    pip install fasttext-wheel==0.9.2 "numpy<2"
    python make_lid.py

The sentences are made up here. Rewrites lid.bin and lid.json; two runs give the same files.
"""

import json
import tempfile
from pathlib import Path

import fasttext

HERE = Path(__file__).parent
SENTENCES = {
    "en": [
        "The mill grinds what the river brings to the village in the spring.",
        "We have been walking along the water with the children since this morning.",
        "Nobody knows which of the old houses they will be selling next year.",
        "She thought that the bread from yesterday would still be good enough.",
        "There are more pages than anyone could read in a lifetime.",
    ],
    "de": [
        "Die Mühle mahlt, was der Fluss im Frühling in das Dorf bringt.",
        "Wir gehen seit heute Morgen mit den Kindern am Wasser entlang.",
        "Niemand weiß, welches der alten Häuser sie nächstes Jahr verkaufen werden.",
        "Sie dachte, dass das Brot von gestern noch gut genug sein würde.",
        "Es gibt mehr Seiten, als jemand in einem Leben lesen könnte.",
    ],
    "fr": [
        "Le moulin broie ce que la rivière apporte au village au printemps.",
        "Nous marchons le long de l'eau avec les enfants depuis ce matin.",
        "Personne ne sait laquelle des vieilles maisons ils vendront l'année prochaine.",
        "Elle pensait que le pain d'hier serait encore assez bon.",
        "Il y a plus de pages que l'on ne pourrait en lire dans une vie.",
    ],
    "es": [
        "El molino muele lo que el río trae al pueblo en la primavera.",
        "Caminamos junto al agua con los niños desde esta mañana.",
        "Nadie sabe cuál de las casas viejas venderán el año que viene.",
        "Ella pensaba que el pan de ayer todavía sería bastante bueno.",
        "Hay más páginas de las que nadie podría leer en una vida.",
    ],
}


def cases():
    found = [[text, 1] for sentences in SENTENCES.values() for text in sentences[:2]]
    found += [
        ["The children of the village\nread the old pages\nby the water\n", 1],
        ["Das Brot ist gut.\n\nThe bread is good.\n\nLe pain est bon.", 1],
        ["Los niños leen.\r\nLos niños\tcaminan.", 1],
        ["\n", 5],
        ["", 1],
        ["1234 !?", 1],
        ["мельница 水车", 1],
        ["the\nwater\n", 500],
    ]
    return found


if __name__ == "__main__":
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for label, sentences in SENTENCES.items():
            for sentence in sentences:
                file.write(f"__label__{label} {sentence.lower()}\n__label__{label} {sentence}\n")
        file.flush()
        options = dict(loss="hs", dim=6, minn=2, maxn=4, bucket=600, lr=1.0, epoch=300, thread=1, seed=3, verbose=0)
        model = fasttext.train_supervised(file.name, **options)
    model.save_model(str(HERE / "lid.bin"))
    model = fasttext.load_model(str(HERE / "lid.bin"))
    answers = []
    for text, times in cases():
        labels, scores = model.predict((text * times).replace("\n", " "), k=1)
        best = labels[0].removeprefix("__label__") if labels else None
        answers.append([best, float(f"{scores[0]:.7g}") if labels else 0.0])
    golden = {"cases": cases(), "models": [{"file": "lid.bin", "answers": answers}]}
    text = json.dumps(golden, separators=(",", ":")).replace('{"file"', '\n{"file"')
    (HERE / "lid.json").write_text(text + "\n")
