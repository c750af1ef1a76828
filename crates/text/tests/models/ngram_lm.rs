use bytes::Bytes;
use gristmill_text::model::ngram_lm::{Model, Score};

use super::{check_damage, file, for_each_answer};

/// How far a score may be from the reference's, and a perplexity for each part of it.
const TOLERANCE: f64 = 1e-4;

fn load(name: &str) -> Model {
    Model::read(Bytes::from(file(name))).unwrap()
}

#[test]
fn scores_are_those_of_the_reference() {
    let (mut count, mut worst) = (0, 0.0_f64);
    for_each_answer("kenlm.json", 1, |golden, text, answers| {
        let name = golden["file"].as_str().unwrap();
        let found = load(name).score(text);
        let about = format!("{name}: {text:.60}: {found:?} for {answers:?}");
        let answer = |place: usize| answers[0][place].as_f64().unwrap();
        let difference = (found.log10 - answer(0)).abs();
        assert!(difference < TOLERANCE, "{about}");
        assert!(
            (found.perplexity() / answer(1) - 1.0).abs() < TOLERANCE,
            "{about}"
        );
        assert_eq!(found.unknown as f64, answer(2), "{about}");
        worst = worst.max(difference);
        count += 1;
    });
    assert!(count > 300, "{count}");
    eprintln!("{count} scores, at most {worst:e} apart");
}

#[test]
fn a_binary_file_scores_as_its_text() {
    for (arpa, binaries) in [
        ("order4.arpa", ["probing4.bin", "trie4.bin"]),
        ("pruned.arpa", ["probing3.bin", "trie3.bin"]),
    ] {
        let arpa = load(arpa);
        for binary in binaries {
            let binary = load(binary);
            assert_eq!(binary.order(), arpa.order());
            for text in ["kalo mitu", "", "x x x né ül жи", "nothing known"] {
                let (one, other) = (arpa.score(text), binary.score(text));
                assert!(
                    (one.log10 - other.log10).abs() < 1e-5,
                    "{text}: {one:?}, {other:?}"
                );
            }
        }
    }
}

#[test]
fn scores_of_lines_add_up() {
    let model = load("probing4.bin");
    let (one, other) = (model.score("kalo x"), model.score("unheard"));
    let sum = one + other;
    assert_eq!((sum.words, sum.unknown, sum.sentences), (3, one.unknown + 1, 2));
    let expected = 10_f64.powf(-(one.log10 + other.log10) / 5.0);
    assert!((sum.perplexity() / expected - 1.0).abs() < 1e-12);
    assert_eq!(Score::default().perplexity().to_bits(), 1_f64.to_bits());
}

#[test]
fn damage_is_an_error_or_another_model() {
    // The list of words at the end of binary files is not read.
    for name in ["probing4.bin", "trie4.bin", "order4.arpa", "pruned.arpa"] {
        let bytes = file(name);
        let list = bytes.windows(6).position(|window| window == b"<unk>\0");
        let whole = list.unwrap_or(bytes.len() - "\\end\\\n".len());
        check_damage(name, whole, |bytes| {
            let Ok(model) = Model::read(Bytes::from(bytes)) else {
                return false;
            };
            for text in ["", "kalo mitu né 水山 x unknown", "x x x x x x"] {
                model.score(text);
            }
            true
        });
    }
}

fn check_error(bytes: &[u8], expected: &str) {
    let error = Model::read(Bytes::copy_from_slice(bytes))
        .unwrap_err()
        .to_string();
    assert_eq!(error, format!("n-gram language model: {expected}"));
}

#[test]
fn messages_say_what_is_wrong() {
    check_error(b"", "truncated after line 0: \\data\\ is missing");
    check_error(
        &[0x1f, 0x8b, 8, 0],
        "the file is gzipped; it must be inflated first",
    );
    check_error(
        b"some text\n",
        "line 1: neither \\data\\ of an ARPA file nor the magic text of a binary file",
    );
    check_error(
        b"\\data\\\nngram 1=9999999999\n",
        "line 2: 9999999999 n-grams in 1 bytes",
    );
    let mut bytes = file("trie4.bin");
    bytes[96] = 5;
    check_error(
        &bytes,
        "structure quantised array-compressed trie is unsupported; build_binary makes probing and trie",
    );
    let arpa = "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1\t<s>\t-0.3\n-1\t</s>\n-1\ta\n\n\\2-grams:\n-0.5\ta b\n\n\\end\\\n";
    check_error(arpa.as_bytes(), "line 11: word b is not among the 1-grams");
}

#[test]
fn a_model_without_the_unknown_word_gives_it_a_hundredth_power() {
    let arpa = "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-9\t<s>\t-0.5\n-1\t</s>\n-2\ta\t-0.25\n\n\\2-grams:\n\
        -0.75\t<s> a\n\n\\end\\\n";
    let model = Model::read(Bytes::from(arpa)).unwrap();
    let check = |text, expected: f64| assert!((model.score(text).log10 - expected).abs() < 1e-5, "{text}");
    check("", -1.5);
    check("a", -0.75 - 0.25 - 1.0);
    check("b", -0.5 - 100.0 - 1.0);
}
