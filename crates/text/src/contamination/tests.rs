//! Facts about whole searches, and a slow search to compare with.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const QUESTION: &str = "A farmer keeps 17 goats and 25 hens on three islands. How many legs do all of her animals have \
                        together, if one goat lost a leg to a shark last summer?";
const ANSWER: &str = "117 legs";
const BIRDS: &str = "Which of the following birds of the northern marshes was thought extinct until a postman found its \
                     nest in 1978?";
const FILLER: &str =
    "The weather on the coast turned mild towards the evening and the boats came back one by one. ";

fn item(question: &str) -> Item<'_> {
    Item {
        question,
        ..Item::default()
    }
}

fn build(ngram: usize, items: &[Item<'_>]) -> Benchmarks {
    let mut builder = BenchmarksBuilder::new(Settings { ngram, min_words: 5 }).unwrap();
    for (number, item) in items.iter().enumerate() {
        builder.add("set", &number.to_string(), *item).unwrap();
    }
    builder.build()
}

fn check(benchmarks: &Benchmarks, text: &str) -> Vec<Hit> {
    benchmarks.check(text, &mut Scratch::default())
}

fn only(benchmarks: &Benchmarks, text: &str) -> Hit {
    let hits = check(benchmarks, text);
    assert_eq!(hits.len(), 1, "{hits:?}");
    hits.into_iter().next().unwrap()
}

fn slices<'a>(hit: &Hit, text: &'a str) -> Vec<&'a str> {
    let slice = |span: &Range<u32>| &text[span.start as usize..span.end as usize];
    hit.spans.iter().map(slice).collect()
}

#[test]
fn a_copied_question_scores_1() {
    let benchmarks = build(8, &[item(QUESTION), item(BIRDS)]);
    let text = format!("{FILLER}{QUESTION} {FILLER}");
    let hit = only(&benchmarks, &text);
    assert_eq!((hit.benchmark, hit.item, hit.words), (0, 0, 32));
    assert_eq!((hit.score, hit.overlap, hit.ngrams, hit.run), (1.0, 1.0, 25, 32));
    assert_eq!((hit.answer, hit.passage), (None, None));
    assert_eq!(slices(&hit, &text), [QUESTION.trim_end_matches('?')]);
}

#[test]
fn case_punctuation_and_accents_do_not_matter() {
    let benchmarks = build(8, &[item(QUESTION)]);
    let noisy = QUESTION
        .to_uppercase()
        .replace([' ', '.', ','], " -- ")
        .replace('A', "Á");
    assert_eq!(only(&benchmarks, &noisy).score, 1.0);
}

#[test]
fn a_clean_text_has_no_hits() {
    let benchmarks = build(8, &[item(QUESTION), item(BIRDS)]);
    for text in ["", " ", "word", FILLER, &FILLER.repeat(100)] {
        assert_eq!(check(&benchmarks, text), []);
    }
    assert_eq!(check(&build(8, &[]), QUESTION), []);
}

#[test]
fn spans_are_bytes_of_a_multibyte_text() {
    let question = "Wie heißt die größte Stadt an der Straße von Ångström nach Übersee?";
    let benchmarks = build(4, &[item(question)]);
    let text =
        "„Ä“ 日本 — Wie HEISST heißt die größte Stadt an der neuen STRASSE straße von Ångström nach ÜBERSEE!";
    let hit = only(&benchmarks, text);
    assert_eq!(
        slices(&hit, text),
        [
            "heißt die größte Stadt an der",
            "straße von Ångström nach ÜBERSEE"
        ]
    );
    assert_eq!((hit.ngrams, hit.run, hit.words), (5, 6, 12));
    assert_eq!(hit.overlap, 5.0 / 9.0);
}

#[test]
fn weights_are_logarithms_of_rarity() {
    // "a b c d" is in both questions, all else in one.
    let benchmarks = build(4, &[item("a b c d e f"), item("a b c d g h")]);
    let hits = check(&benchmarks, "a b c d e");
    let [common, rare] = [2.0_f64.ln(), 3.0_f64.ln()];
    assert_eq!(hits.len(), 2);
    assert_eq!((hits[0].item, hits[1].item), (0, 1));
    assert!((hits[0].score - (common + rare) / (common + 2.0 * rare)).abs() < 1e-6);
    assert!((hits[1].score - common / (common + 2.0 * rare)).abs() < 1e-6);
    assert_eq!((hits[0].overlap, hits[1].overlap), (2.0 / 3.0, 1.0 / 3.0));
}

#[test]
fn phrases_spread_over_a_text_do_not_add_up() {
    let benchmarks = build(3, &[item("one two three four five six seven eight")]);
    // A region has 8 + 4 + 10 = 22 words.
    let text = |gap: usize| format!("one two three four {} five six seven eight", "x ".repeat(gap));
    assert_eq!(only(&benchmarks, &text(14)).overlap, 4.0 / 6.0);
    let apart = text(15);
    let hit = only(&benchmarks, &apart);
    // "six seven eight" is too far from "one two three".
    assert_eq!(hit.overlap, 3.0 / 6.0);
    assert_eq!(slices(&hit, &apart)[0], "one two three four");
}

#[test]
fn the_best_region_counts() {
    let benchmarks = build(3, &[item("one two three four five six seven eight")]);
    let text = format!(
        "one two three four {} one two three four five {} six seven eight",
        "x ".repeat(50),
        "y ".repeat(50)
    );
    let hit = only(&benchmarks, &text);
    assert_eq!((hit.ngrams, hit.run), (3, 5));
    assert_eq!(slices(&hit, &text), ["one two three four five"]);
}

#[test]
fn boilerplate_weighs_little() {
    let prompt = "Which of the following statements about the subject below is the most likely to be true";
    let questions: Vec<String> = (0..1000)
        .map(|number| {
            format!(
                "{prompt}: {number} apples{number} pears{number} plums{number} figs{number} or limes{number}"
            )
        })
        .collect();
    let items: Vec<Item<'_>> = questions.iter().map(|question| item(question)).collect();
    let benchmarks = build(8, &items);
    assert_eq!(check(&benchmarks, prompt), [], "common n-grams lead nowhere");
    // One n-gram of the item's own leads to it, and the prompt counts with its weight.
    let hit = only(&benchmarks, &format!("{prompt}: 7 oranges"));
    assert!(hit.overlap > 0.6, "{hit:?}");
    assert!(hit.score < 0.35, "{hit:?}");
    assert_eq!(only(&benchmarks, &questions[7]).score, 1.0);
}

#[test]
fn short_questions_are_one_ngram() {
    let benchmarks = build(
        8,
        &[
            item("Who wrote the old song?"),
            item("Who wrote it?"),
            item("Who wrote the old song about rain?"),
        ],
    );
    let sets = benchmarks.benchmarks();
    assert_eq!((sets.len(), sets[0].items, sets[0].too_short), (1, 3, 1));
    let text = "So: who wrote the old song, and who wrote it?";
    let hit = only(&benchmarks, text);
    assert_eq!(
        (hit.item, hit.score, hit.words, hit.ngrams, hit.run),
        (0, 1.0, 5, 1, 5)
    );
    assert_eq!(slices(&hit, text), ["who wrote the old song"]);
    let hits = check(&benchmarks, "who wrote the old song about rain");
    assert_eq!(
        hits.iter().map(|hit| (hit.item, hit.run)).collect::<Vec<_>>(),
        [(0, 5), (2, 7)]
    );
}

#[test]
fn the_answer_is_looked_for_near_the_question_and_outside_of_it() {
    let benchmarks = build(
        8,
        &[
            Item {
                question: QUESTION,
                answer: Some(ANSWER),
                passage: None,
            },
            Item {
                question: BIRDS,
                answer: Some("?!"),
                passage: Some(" "),
            },
        ],
    );
    let answer = |text: &str| only(&benchmarks, text).answer;
    // "legs" in the question does not count.
    assert_eq!(answer(QUESTION), Some(0.0));
    assert_eq!(answer(&format!("{QUESTION} It is 117.")), Some(0.5));
    assert_eq!(answer(&format!("{QUESTION} Answer: 117 Legs!")), Some(1.0));
    assert_eq!(answer(&format!("117 legs: {QUESTION}")), Some(1.0));
    // 32 words and twice the two of the answer on either side.
    assert_eq!(answer(&format!("{QUESTION} {}117", "x ".repeat(35))), Some(0.5));
    assert_eq!(answer(&format!("{QUESTION} {}117", "x ".repeat(36))), Some(0.0));
    let hit = only(&benchmarks, BIRDS);
    assert_eq!(
        (hit.answer, hit.passage),
        (None, None),
        "an answer without words is none"
    );
}

#[test]
fn the_passage_is_looked_for_near_the_question_only() {
    let passage =
        "Shorebirds of the far north nest late, and the rarest of them nests where nobody walks in June.";
    let benchmarks = build(
        4,
        &[Item {
            question: BIRDS,
            answer: None,
            passage: Some(passage),
        }],
    );
    assert_eq!(check(&benchmarks, passage), [], "a passage alone is no hit");
    let of = |text: &str| only(&benchmarks, text).passage;
    assert_eq!(of(BIRDS), Some(0.0));
    assert_eq!(of(&format!("{passage} {BIRDS}")), Some(1.0));
    // 18 words, 15 n-grams, of which 7 are in the first ten words.
    let half = "Shorebirds of the far north nest late, and the rarest";
    assert_eq!(of(&format!("{BIRDS} {half}")), Some(7.0 / 15.0));
    assert_eq!(
        of(&format!("{BIRDS} {} {passage}", "x ".repeat(32 + 36))),
        Some(0.0)
    );
}

#[test]
fn runs_are_exact_from_an_ngram_on() {
    let question = "a b c d e f g h i j k l m n o p";
    let benchmarks = build(4, &[item(question)]);
    let run = |text: &str| only(&benchmarks, text).run;
    assert_eq!(run("x a b c d x"), 4);
    assert_eq!(run("a b c d x d e f g h i x"), 6);
    assert_eq!(run("i j k l m n o p a b c d"), 8);
    assert_eq!(check(&benchmarks, "a b c x d e f"), []);
    // N-grams of the question occur more than once.
    let periodic = "a b a b a b a b a b c a b a b a b";
    let benchmarks = build(4, &[item(periodic)]);
    let run = |text: &str| only(&benchmarks, text).run;
    assert_eq!(run("a b a b a b a b a b a b a b a b"), 10);
    assert_eq!(run("x a b a b c a b a b x"), 9);
    assert_eq!(run(periodic), 17);
}

#[test]
fn changed_words_cost_their_ngrams_only() {
    let texts = [
        // A word changed, one left out, one put in.
        QUESTION.replace("three islands", "two islands"),
        QUESTION.replace("last summer", "summer"),
        QUESTION.replace("on three", "on the three"),
    ];
    for (ngram, bound) in [(5, 0.8), (8, 0.6), (13, 0.2)] {
        let benchmarks = build(ngram, &[item(QUESTION), item(BIRDS)]);
        for text in &texts {
            let score = only(&benchmarks, &format!("{FILLER}{text} {FILLER}")).score;
            assert!(score > bound && score < 1.0, "{ngram}: {score} {text}");
        }
    }
}

#[test]
fn the_same_question_in_many_sets_is_found_in_32() {
    let mut builder = BenchmarksBuilder::new(Settings::default()).unwrap();
    for number in 0..40 {
        builder
            .add(&format!("set {number}"), "id", item(QUESTION))
            .unwrap();
    }
    let benchmarks = builder.build();
    let hits = check(&benchmarks, QUESTION);
    assert_eq!(hits.len(), 32);
    assert!(hits.iter().all(|hit| hit.score == 1.0));
    let crowded: u32 = benchmarks.benchmarks().iter().map(|set| set.crowded).sum();
    assert_eq!(crowded, 8);
}

#[test]
fn settings_are_checked_and_items_named() {
    for (ngram, min_words) in [(0, 5), (257, 5), (8, 0)] {
        assert!(BenchmarksBuilder::new(Settings { ngram, min_words }).is_err());
    }
    let mut builder = BenchmarksBuilder::new(Settings::default()).unwrap();
    assert_eq!(builder.add("b", "first", item(QUESTION)).unwrap(), 0);
    assert_eq!(builder.add("a", "", item(BIRDS)).unwrap(), 1);
    assert_eq!(builder.add("b", "third", item("short")).unwrap(), 2);
    let benchmarks = builder.build();
    let names: Vec<&str> = benchmarks
        .benchmarks()
        .iter()
        .map(|set| set.name.as_str())
        .collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(
        [0, 1, 2, 3].map(|number| benchmarks.id(number)),
        [Some("first"), Some(""), Some("third"), None]
    );
    assert_eq!((benchmarks.len(), benchmarks.is_empty()), (3, false));
    assert!(benchmarks.memory() > 0);
}

/// A small generator of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    /// `length` words of an alphabet of `letters`.
    fn words(&mut self, length: usize, letters: usize) -> Vec<String> {
        (0..length).map(|_| format!("w{}", self.below(letters))).collect()
    }
}

/// All measures by definition: every region, every run, every set built anew.
fn slow_check(
    ngram: usize,
    questions: &[Vec<String>],
    text: &[String],
) -> BTreeMap<u32, (f64, f64, u32, u32)> {
    let length_of = |question: &[String]| question.len().min(ngram);
    let grams = |words: &[String], length: usize| -> BTreeSet<Vec<String>> {
        words.windows(length).map(<[String]>::to_vec).collect()
    };
    let searched: Vec<&Vec<String>> = questions.iter().filter(|question| question.len() >= 5).collect();
    let mut holders: BTreeMap<Vec<String>, f64> = BTreeMap::new();
    for question in &searched {
        for gram in grams(question, length_of(question)) {
            *holders.entry(gram).or_default() += 1.0;
        }
    }
    let weigh = |gram: &Vec<String>| (1.0 + searched.len() as f64 / holders[gram]).ln();
    let mut hits = BTreeMap::new();
    for (number, question) in questions.iter().enumerate() {
        if question.len() < 5 {
            continue;
        }
        let own = grams(question, length_of(question));
        let region = (question.len() + question.len() / 2 + 10).min(text.len());
        let total: f64 = own.iter().map(weigh).sum();
        let (mut best, mut most) = (0.0, 0);
        for words in text.windows(region.max(1)) {
            let found: Vec<&Vec<String>> = own
                .iter()
                .filter(|gram| words.windows(gram.len()).any(|run| run == gram.as_slice()))
                .collect();
            let weight: f64 = found.iter().map(|gram| weigh(gram)).sum();
            if weight > best + 1e-9 {
                (best, most) = (weight, found.len() as u32);
            }
        }
        let longest = (length_of(question)..=question.len())
            .filter(|&length| {
                let runs = grams(question, length);
                text.windows(length).any(|run| runs.contains(run))
            })
            .max();
        if let Some(longest) = longest {
            let overlap = f64::from(most) / own.len() as f64;
            hits.insert(number as u32, (best / total, overlap, most, longest as u32));
        }
    }
    hits
}

#[test]
fn measures_equal_those_of_a_slow_search() {
    let mut numbers = Numbers(1);
    for round in 0..400 {
        let ngram = 2 + numbers.below(7);
        let letters = 2 + numbers.below(20);
        let questions: Vec<Vec<String>> = (0..1 + numbers.below(12))
            .map(|_| {
                let length = numbers.below(25);
                numbers.words(length, letters)
            })
            .collect();
        let mut text = Vec::new();
        while text.len() < 10 + round {
            let question = &questions[numbers.below(questions.len())];
            let start = numbers.below(question.len() + 1);
            let end = start + numbers.below(question.len() + 1 - start);
            text.extend_from_slice(&question[start..end]);
            let length = numbers.below(12);
            text.extend(numbers.words(length, letters));
            if question.is_empty() {
                text.push("x".to_owned());
            }
        }
        let joined: Vec<String> = questions.iter().map(|question| question.join(" ")).collect();
        let items: Vec<Item<'_>> = joined.iter().map(|question| item(question)).collect();
        let hits = check(&build(ngram, &items), &text.join(" "));
        let slow = slow_check(ngram, &questions, &text);
        assert_eq!(hits.len(), slow.len(), "round {round}");
        for hit in hits {
            let (score, overlap, ngrams, run) = slow[&hit.item];
            assert!(
                (hit.score - score).abs() < 1e-5,
                "round {round}: {hit:?}, not {score}"
            );
            assert!(hit.spans.windows(2).all(|pair| pair[0].end < pair[1].start));
            assert_eq!(hit.run, run, "round {round}: {hit:?}");
            // Regions of equal weight may hold different numbers of n-grams only if weights add up by chance.
            assert_eq!(
                (hit.overlap, hit.ngrams),
                (overlap, ngrams),
                "round {round}: {hit:?}"
            );
        }
    }
}

/// Questions of templates, different from each other, with what templates share.
fn questions(count: usize) -> Vec<(String, String)> {
    const WHO: [&str; 8] = [
        "baker", "pilot", "nurse", "farmer", "painter", "sailor", "teacher", "miner",
    ];
    const WHAT: [&str; 8] = [
        "loaves", "maps", "lamps", "ropes", "bricks", "letters", "coins", "kites",
    ];
    const WHERE: [&str; 8] = [
        "Oslo", "Lima", "Kyoto", "Cairo", "Porto", "Quito", "Perth", "Tunis",
    ];
    let mut numbers = Numbers(7);
    (0..count)
        .map(|_| {
            let [who, other, what, place] = [WHO, WHO, WHAT, WHERE].map(|list| list[numbers.below(8)]);
            let (first, second) = (2 + numbers.below(9000), 2 + numbers.below(900));
            let question = match numbers.below(3) {
                0 => format!(
                    "A {who} in {place} has {first} {what}. She gives {second} of them to a {other} and loses half of \
                     the rest on the way home. How many {what} are left in the evening?"
                ),
                1 => format!(
                    "Which of the following is the best reason why the {who} of {place} sold {first} {what} to the \
                     {other} in the year {second} of the old calendar?"
                ),
                _ => format!(
                    "If {first} {what} cost as much as {second} journeys from {place} with a {who}, what does the \
                     {other} pay for one journey and ten {what}?"
                ),
            };
            (question, (first + second).to_string())
        })
        .collect()
}

#[test]
fn items_among_thousands_are_told_apart() {
    let questions = questions(2000);
    let items: Vec<Item<'_>> = questions
        .iter()
        .map(|(question, answer)| Item {
            question,
            answer: Some(answer),
            passage: None,
        })
        .collect();
    let benchmarks = build(8, &items);
    let mut scratch = Scratch::default();
    for (number, (question, answer)) in questions.iter().enumerate().step_by(37) {
        let text = format!("{FILLER}{}\n{answer}. {FILLER}", question.to_lowercase());
        let hits = benchmarks.check(&text, &mut scratch);
        assert_eq!(
            (hits[0].item, hits[0].score, hits[0].answer),
            (number as u32, 1.0, Some(1.0))
        );
        assert!(hits[1..].iter().all(|hit| hit.score < 0.8), "{:?}", hits[1]);
    }
    assert_eq!(benchmarks.check(FILLER, &mut scratch), []);
}

#[test]
fn the_order_of_items_does_not_matter() {
    let questions = questions(300);
    let text: String = questions
        .iter()
        .step_by(10)
        .map(|(question, _)| format!("{question} {FILLER}"))
        .collect();
    let find = |order: &[usize]| -> BTreeMap<String, String> {
        let mut builder = BenchmarksBuilder::new(Settings::default()).unwrap();
        for &number in order {
            let (question, answer) = &questions[number];
            let item = Item {
                question,
                answer: Some(answer),
                passage: None,
            };
            builder.add("set", &number.to_string(), item).unwrap();
        }
        let benchmarks = builder.build();
        let hits = check(&benchmarks, &text).into_iter().map(|hit| {
            let id = benchmarks.id(hit.item).unwrap().to_owned();
            (id, format!("{:?}", Hit { item: 0, ..hit }))
        });
        hits.collect()
    };
    let ascending: Vec<usize> = (0..300).collect();
    let descending: Vec<usize> = (0..300).rev().collect();
    let shuffled: Vec<usize> = (0..300).map(|number| number * 7 % 300).collect();
    let expected = find(&ascending);
    assert!(expected.len() >= 30);
    assert_eq!(find(&descending), expected);
    assert_eq!(find(&shuffled), expected);
}

#[test]
fn hostile_texts_and_items_take_linear_time() {
    let questions = questions(30);
    let word = "the ".repeat(1_000_000);
    let mut items: Vec<Item<'_>> = questions.iter().map(|(question, _)| item(question)).collect();
    let repeated: Vec<String> = (0..32).map(|number| "the ".repeat(30 + 10 * number)).collect();
    items.extend(repeated.iter().map(|question| item(question)));
    items.push(Item {
        question: &word,
        answer: Some(&word),
        passage: Some(&word),
    });
    let benchmarks = build(8, &items);
    assert_eq!(benchmarks.benchmarks()[0].cut, 1);
    let mut scratch = Scratch::default();

    let start = std::time::Instant::now();
    let hits = benchmarks.check(&word, &mut scratch);
    assert!(!hits.is_empty());
    assert!(hits.iter().all(|hit| hit.score == 1.0));
    let all: String = questions
        .iter()
        .map(|(question, _)| format!("{question}\n"))
        .collect();
    let hits = benchmarks.check(&all.repeat(1000), &mut scratch);
    assert_eq!(hits.len(), 30);
    assert!(hits.iter().all(|hit| hit.score == 1.0));
    for text in [
        "x".repeat(10_000_000),
        "\u{301}".repeat(3_000_000),
        "日".repeat(3_000_000),
    ] {
        assert_eq!(benchmarks.check(&text, &mut scratch), []);
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
