//! Texts for signals, edits and redactions.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{Array, ArrayRef, StringViewArray, cast::AsArray};
use gristmill_core::{Card, Edit};
use gristmill_text::{EDITS, REDACTIONS, SIGNALS};

use super::{Case, LONGER, check_growth, time};

/// Texts of one trouble each.
const TEXTS: &[Case] = &[
    ("one word", |n| "a".repeat(n)),
    ("one word of many bytes", |n| "ä水🦀".repeat(n / 9)),
    ("newlines", |n| "\n".repeat(n)),
    ("all line ends", |n| {
        "\r\n\x0b\x0c\x1c\u{85}\u{2028}\u{2029}\r".repeat(n / 15)
    }),
    ("spaces", |n| " ".repeat(n)),
    ("white space of all kinds", |n| {
        "\t\u{a0}\u{3000}\u{200b} ".repeat(n / 10)
    }),
    ("full stops", |n| ".".repeat(n)),
    ("punctuation", |n| "!?.,;:()[]{}\"'#*-…•".repeat(n / 23)),
    ("one bracket", |n| "(".repeat(n)),
    ("quotes", |n| "'\"’`".repeat(n / 6)),
    ("hyphens", |n| "a-".repeat(n / 2)),
    ("combining marks", |n| "\u{301}".repeat(n / 2)),
    ("a letter with marks", |n| {
        format!("e{}", "\u{301}\u{323}".repeat(n / 4))
    }),
    ("right to left", |n| "مرحبا بالعالم \u{202e}שלום ".repeat(n / 37)),
    ("joined emoji", |n| "👩\u{200d}".repeat(n / 7)),
    ("flags", |n| "🇩".repeat(n / 4)),
    ("one word again and again", |n| "word ".repeat(n / 5)),
    ("two words by turns", |n| "ab cd ".repeat(n / 6)),
    ("periods of many lengths", |n| doubled("a b c d e f g h i j ", n)),
    ("one line again and again", |n| {
        "the same line of text\n".repeat(n / 22)
    }),
    ("one paragraph again and again", |n| {
        "the same line\n\n".repeat(n / 15)
    }),
    ("words that never recur", |n| {
        (0..n / 8).map(|word| format!("w{word:06} ")).collect()
    }),
    ("lines that never recur", |n| {
        (0..n / 8).map(|word| format!("w{word:06}\n")).collect()
    }),
    ("short sentences", |n| "Mr. A. b. ".repeat(n / 10)),
    ("exceptions of words", |n| "don't :-) e.g. I'm ".repeat(n / 20)),
    ("smileys without end", |n| ":-)".repeat(n / 3)),
    ("addresses of mail", |n| "a@b.co ".repeat(n / 7)),
    ("mail without end", |n| "a.b@".repeat(n / 4)),
    ("dots and letters", |n| "a.".repeat(n / 2)),
    ("addresses of pages", |n| "http://".repeat(n / 7)),
    ("long address", |n| {
        format!("http://example.org/{}", "a/b?c=%20&".repeat(n / 10))
    }),
    ("numbers", |n| "1".repeat(n)),
    ("numbers and dots", |n| "1.2.3.4.".repeat(n / 8)),
    ("numbers and spaces", |n| "4111 1111 ".repeat(n / 10)),
    ("numbers of phones", |n| "+1 (555) 555-0100 ".repeat(n / 18)),
    ("plus signs", |n| "+4".repeat(n / 2)),
    ("account numbers", |n| "DE89 3704 0044 ".repeat(n / 15)),
    ("colons", |n| "1:a:".repeat(n / 4)),
    ("keys", |n| format!("AKIA{}", "ABCDEFGH0123+/".repeat(n / 14))),
    ("starts of keys", |n| "sk-ghp_AKIAxoxb-eyJ".repeat(n / 19)),
    ("begins of private keys", |n| {
        "-----BEGIN RSA PRIVATE KEY-----\n".repeat(n / 32)
    }),
    ("citations", |n| "[1".repeat(n / 2)),
    ("citations that end", |n| "[12] [edit]".repeat(n / 11)),
    ("curly brackets", |n| "{ lorem ipsum javascript\n".repeat(n / 25)),
    ("bullets", |n| "• - * ...\n".repeat(n / 12)),
    ("nothing but control", |n| "\0\x01\x1f\x7f".repeat(n / 4)),
];

/// A text that repeats at every scale.
fn doubled(start: &str, bytes: usize) -> String {
    let mut text = start.to_owned();
    let mut mark = 0;
    while text.len() < bytes {
        text = format!("{text}m{mark} {text}");
        mark += 1;
    }
    text
}

/// Runs everything over a text, and tells `heard` the name of each card and how long it took.
fn run(text: &str, mut heard: impl FnMut(&'static str, std::time::Duration)) {
    let content: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
    let given = ["text", "text_title", "text_markdown"];
    let mut columns: HashMap<_, _> = given.iter().map(|name| (*name, content.clone())).collect();
    let mut signals: Vec<_> = SIGNALS.to_vec();
    while !signals.is_empty() {
        let before = signals.len();
        signals.retain(|signal| {
            let card = signal.card();
            let Some(inputs) = inputs(card, &columns) else {
                return true;
            };
            let mut outputs = Vec::new();
            heard(card.name, time(|| outputs = signal.compute(&inputs).unwrap()));
            for (column, output) in card.outputs.iter().zip(outputs) {
                assert_eq!(output.len(), 1, "{}", card.name);
                columns.insert(column.name, output);
            }
            false
        });
        assert!(signals.len() < before, "signals that need each other");
    }
    for edit in EDITS.iter().chain(REDACTIONS) {
        let card = edit.card();
        let inputs = inputs(card, &columns).unwrap();
        heard(card.name, time(|| check_edit(*edit, &inputs, text)));
    }
}

fn inputs(card: &Card, columns: &HashMap<&str, ArrayRef>) -> Option<Vec<ArrayRef>> {
    let inputs = card.inputs.iter();
    inputs.map(|input| columns.get(input.name).cloned()).collect()
}

fn check_edit(edit: &dyn Edit, inputs: &[ArrayRef], text: &str) {
    let outputs = edit.edit(inputs).unwrap();
    let edited = outputs[0].as_string_view().value(0);
    // The longest placeholder for the shortest match is a mail address for `a@b.co`.
    assert!(
        edited.len() <= 8 * text.len() + 64,
        "{} makes {} bytes of {}",
        edit.card().name,
        edited.len(),
        text.len()
    );
}

#[test]
fn nothing_panics_and_edits_stay_small() {
    for (_, make) in TEXTS {
        for bytes in [64, 5_000, 300_000] {
            run(&make(bytes), |_, _| ());
        }
    }
}

#[test]
fn twenty_megabytes_of_one_word_pass() {
    run(&"a".repeat(20_000_000), |_, _| ());
}

#[test]
fn five_million_newlines_pass() {
    run(&"\n".repeat(5_000_000), |_, _| ());
}

#[test]
#[ignore = "measures CPU time"]
fn time_grows_with_the_length() {
    let bytes = 125_000;
    let mut slow = Vec::new();
    for (name, make) in TEXTS {
        let mut times = HashMap::new();
        // The first call fills tables that live as long as the process.
        run(&make(bytes), |_, _| ());
        run(&make(bytes), |card, time| {
            times.insert(card, time);
        });
        run(&make(LONGER * bytes), |card, time| {
            check_growth(&format!("{card} over {name}"), times[card], time, &mut slow);
        });
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
