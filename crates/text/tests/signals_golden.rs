//! The presets decide as datatrove's own filters do, for the same reason, on every document of the golden file.
//!
//! `golden/filters.jsonl` holds synthetic documents with the outcome of datatrove 0.10.0's filters (`true`, or the
//! reason for rejection), written by `golden/make_filters.py`; `text/filters_golden.jsonl` below `GRISTMILL_FIXTURES`
//! (default: `../shared/fixtures` beside the workspace) holds more in the same form. The rules are read from the
//! presets that ship, by an evaluator for the two forms of predicate that they use.
//!
//! `golden/profiles.jsonl` holds what other profiles (`gopher_quality@dclm`) measure and decide on such documents, written by
//! `golden/make_profiles.py`. `golden/fineweb2.jsonl` holds what datatrove's filters decide with the settings of FineWeb-2 for twelve
//! languages, written by `golden/make_fineweb2.py`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{collections::HashMap, env, fs, path::PathBuf, sync::Arc};

use arrow_array::{
    Array, ArrayRef, StringViewArray,
    cast::AsArray,
    types::{Float64Type, UInt32Type},
};
use arrow_schema::DataType;
use gristmill_core::{Column, ColumnType};
use gristmill_text::{EDITS, SIGNALS};
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

/// Presets with the arithmetic of DCLM, dolma or NeMo Curator.
const PROFILES: [&str; 6] = [
    "gopher_quality@curator",
    "gopher_repetition@curator",
    "gopher_quality@dclm",
    "gopher_repetition@dclm",
    "gopher_quality@dolma",
    "gopher_repetition@dolma",
];

/// Presets that a table of languages fills.
const FINEWEB2: [&str; 3] = ["fineweb_quality", "gopher_quality", "gopher_repetition"];

/// Columns of all documents by name.
type Columns = HashMap<&'static str, ArrayRef>;

/// Name and predicate, in order.
type Rules = Vec<(String, String)>;

#[test]
fn presets_give_the_outcome_and_reason_of_the_reference() {
    let cases = golden();
    let columns = measured(&cases);
    let mut report = Report::default();
    for (key, preset, edit) in [
        ("gopher_rep", "gopher_repetition", None),
        ("gopher_quality", "gopher_quality", None),
        ("c4", "c4_quality", Some("c4_lines_strict")),
        ("c4_fineweb", "c4_quality", Some("c4_lines")),
        ("fineweb", "fineweb_quality", None),
    ] {
        let columns = edit.map_or_else(|| columns.clone(), |name| edited(name, &columns));
        let rules = rules(preset);
        for (row, case) in cases.iter().enumerate() {
            report.compare(case, key, &outcome(&rules, &columns, row), &case[key]);
        }
    }
    report.demand_agreement();
}

#[test]
fn presets_in_fineweb_order_give_the_first_reason() {
    let cases = golden();
    let before = measured(&cases);
    let c4 = edited("c4_lines", &before);
    let mut after = c4.clone();
    measure(&mut after);
    let chain = [
        (rules("gopher_repetition"), &before),
        (rules("gopher_quality"), &before),
        (rules("c4_quality"), &c4),
        (rules("fineweb_quality"), &after),
    ];
    let mut report = Report::default();
    for (row, case) in cases.iter().enumerate() {
        let outcomes = chain.iter().map(|(rules, columns)| outcome(rules, columns, row));
        let first = outcomes
            .enumerate()
            .find(|(_, outcome)| *outcome != Value::Bool(true));
        let found = match first {
            Some((stage, reason)) => Value::from(vec![reason, stage.into()]),
            None => Value::from(vec![Value::Bool(true), Value::Null]),
        };
        report.compare(case, "chain", &found, &case["chain"]);
    }
    report.demand_agreement();
}

#[test]
fn edits_give_the_words_of_the_text_that_they_leave() {
    let before = measured(&golden());
    for name in ["c4_lines", "c4_lines_strict"] {
        let after = edited(name, &before);
        let mut again = after.clone();
        measure(&mut again);
        assert_ne!(
            after["text"].as_string_view(),
            before["text"].as_string_view(),
            "{name} edits nothing"
        );
        assert_eq!(
            after["text_words"].as_list::<i32>(),
            again["text_words"].as_list::<i32>(),
            "{name}"
        );
    }
}

#[test]
fn measures_are_those_of_the_reference_to_the_last_bit() {
    let cases = golden();
    let columns = measured(&cases);
    let mut report = Report::default();
    for (row, case) in cases.iter().enumerate() {
        for (key, column) in RATIOS {
            let expected = &case["ratios"][key];
            if let Some(expected) = expected.as_f64() {
                let found = number(&columns[column], row).map_or(Value::Null, Value::from);
                report.compare(case, key, &found, &Value::from(expected));
            }
        }
        for (key, column) in [
            ("n_words", "text_word_count"),
            ("n_sentences", "text_sentence_count"),
        ] {
            let found = number(&columns[column], row).unwrap();
            report.compare(case, key, &Value::from(found as u64), &case[key]);
        }
    }
    report.demand_agreement();
}

#[test]
fn profiles_measure_and_decide_as_their_definitions_in_python() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/profiles.jsonl");
    let cases = cases(&fs::read_to_string(file).unwrap());
    let columns = measured(&cases);
    let mut report = Report::default();
    for preset in PROFILES {
        let rules = rules(preset);
        for (row, case) in cases.iter().enumerate() {
            let expected = &case[preset];
            report.compare(
                case,
                preset,
                &outcome(&rules, &columns, row),
                &expected["outcome"],
            );
            assert_eq!(
                rules.len(),
                expected["values"].as_object().unwrap().len(),
                "{preset}"
            );
            for (rule, predicate) in &rules {
                let column = &columns[predicate.split(' ').next().unwrap()];
                let found = number(column, row).map_or(Value::Null, Value::from);
                let expected = expected["values"][rule].as_f64().map_or(Value::Null, Value::from);
                report.compare(case, &format!("{preset} {rule}"), &found, &expected);
            }
        }
    }
    report.demand_agreement();
}

#[test]
fn presets_of_fineweb2_give_the_outcome_and_reason_of_the_reference() {
    let cases = cases(include_str!("golden/fineweb2.jsonl"));
    let columns = measured(&cases);
    let mut report = Report::default();
    for (row, case) in cases.iter().enumerate() {
        for preset in FINEWEB2 {
            let rules = fineweb2_rules(preset, case["language"].as_str().unwrap());
            report.compare(case, preset, &outcome(&rules, &columns, row), &case[preset]);
        }
    }
    report.demand_agreement();
}

#[test]
fn edited_texts_are_those_of_the_reference() {
    let cases = golden();
    let columns = measured(&cases);
    let mut report = Report::default();
    for (key, edit) in [("c4_text", "c4_lines_strict"), ("c4_fineweb_text", "c4_lines")] {
        let texts = edited(edit, &columns)["text"].clone();
        for (row, case) in cases.iter().enumerate().filter(|(_, case)| case[key].is_string()) {
            report.compare(case, key, &texts.as_string_view().value(row).into(), &case[key]);
        }
    }
    report.demand_agreement();
}

/// The measures that the golden file holds, and their columns.
const RATIOS: [(&str, &str); 25] = [
    ("dup_para_frac", "text_duplicate_paragraph_ratio"),
    ("dup_para_char_frac", "text_duplicate_paragraph_char_ratio"),
    ("dup_line_frac", "text_duplicate_line_ratio"),
    ("dup_line_char_frac", "text_duplicate_line_char_ratio"),
    ("top_2", "text_top_2_gram_char_ratio"),
    ("top_3", "text_top_3_gram_char_ratio"),
    ("top_4", "text_top_4_gram_char_ratio"),
    ("dup_5", "text_duplicate_5_gram_char_ratio"),
    ("dup_6", "text_duplicate_6_gram_char_ratio"),
    ("dup_7", "text_duplicate_7_gram_char_ratio"),
    ("dup_8", "text_duplicate_8_gram_char_ratio"),
    ("dup_9", "text_duplicate_9_gram_char_ratio"),
    ("dup_10", "text_duplicate_10_gram_char_ratio"),
    ("n_non_symbol_words", "text_non_symbol_word_count"),
    ("avg_word_len", "text_non_symbol_word_length_mean"),
    ("hash_ratio", "text_hash_word_ratio"),
    ("ellipsis_ratio", "text_ellipsis_word_ratio"),
    ("bullet_ratio", "text_bullet_line_ratio"),
    ("end_ellipsis_ratio", "text_ellipsis_line_ratio"),
    ("alpha_ratio", "text_alpha_word_ratio"),
    ("stop_words", "text_stop_word_count"),
    ("fw_punct", "text_terminal_punct_line_ratio"),
    ("fw_short", "text_short_line_ratio"),
    ("fw_char_dup", "text_duplicate_nonblank_line_char_ratio"),
    ("fw_newline", "text_newline_word_ratio"),
];

/// What agrees and what does not.
#[derive(Default)]
struct Report {
    compared: usize,
    wrong: Vec<String>,
}

impl Report {
    fn compare(&mut self, case: &Value, key: &str, found: &Value, expected: &Value) {
        self.compared += 1;
        if found != expected {
            let id = &case["id"];
            self.wrong
                .push(format!("{id} {key}: expected {expected}, found {found}"));
        }
    }

    fn demand_agreement(&self) {
        let agreeing = self.compared - self.wrong.len();
        let summary = format!("{agreeing} of {} agree", self.compared);
        eprintln!("{summary}");
        assert!(self.wrong.is_empty(), "{summary}\n{}", self.wrong.join("\n"));
    }
}

/// The golden documents that ship, and those of the fixtures; says so when the latter are absent.
fn golden() -> Vec<Value> {
    let fixtures = env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    let fixture = fixtures.join("text/filters_golden.jsonl");
    let mut lines = include_str!("golden/filters.jsonl").to_owned();
    match fs::read_to_string(&fixture) {
        Ok(more) => lines.push_str(&more),
        Err(error) => eprintln!("skipped: {}: {error}", fixture.display()),
    }
    cases(&lines)
}

fn cases(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The texts of the cases with all signals.
fn measured(cases: &[Value]) -> Columns {
    let texts = cases.iter().map(|case| case["text"].as_str().unwrap());
    let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
    let mut columns = Columns::from([("text", texts)]);
    measure(&mut columns);
    columns
}

/// Adds all signals over `text`, first those that read nothing else.
fn measure(columns: &mut Columns) {
    let mut signals = SIGNALS.to_vec();
    signals.sort_by_key(|signal| signal.card().inputs.len());
    for signal in signals {
        let card = signal.card();
        if card.inputs.iter().all(|input| columns.contains_key(input.name)) {
            add(
                columns,
                card.outputs,
                signal.compute(&inputs(card.inputs, columns)).unwrap(),
            );
        }
    }
}

/// The columns with an edit's outputs in their place.
fn edited(name: &str, columns: &Columns) -> Columns {
    let edit = EDITS.iter().find(|edit| edit.card().name == name).unwrap();
    let card = edit.card();
    let mut edited = columns.clone();
    add(
        &mut edited,
        card.outputs,
        edit.edit(&inputs(card.inputs, columns)).unwrap(),
    );
    edited
}

fn inputs(inputs: &[Column], columns: &Columns) -> Vec<ArrayRef> {
    inputs.iter().map(|input| columns[input.name].clone()).collect()
}

fn add(columns: &mut Columns, outputs: &[Column], arrays: Vec<ArrayRef>) {
    columns.extend(outputs.iter().map(|output| output.name).zip(arrays));
}

/// The rules of a preset that ships.
fn rules(preset: &str) -> Rules {
    rules_in(&preset_file(&format!("{preset}.yaml")))
}

/// The rules of a preset of FineWeb-2 for a language.
fn fineweb2_rules(preset: &str, language: &str) -> Rules {
    let mut text = preset_file(&format!("fineweb2/{preset}.yaml"));
    let table = preset_file("fineweb2/languages.tsv");
    let mut lines = table.lines().map(|line| line.split('\t'));
    let keys = lines.next().unwrap();
    let values = lines.find(|line| line.clone().next() == Some(language)).unwrap();
    for (key, value) in keys.zip(values) {
        text = text.replace(&format!("{{{key}}}"), value);
    }
    rules_in(&text)
}

fn preset_file(name: &str) -> String {
    let path = format!("{}/../gristmill/presets/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

fn rules_in(text: &str) -> Rules {
    let documents = Yaml::load_from_str(text).unwrap();
    let keep = documents[0]["steps"][0]["keep"].as_mapping().unwrap();
    keep.iter()
        .map(|(name, rule)| {
            (
                name.as_str().unwrap().to_owned(),
                rule.as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

/// `true`, or the name of the first rule that fails.
fn outcome(rules: &Rules, columns: &Columns, row: usize) -> Value {
    let failed = rules
        .iter()
        .find(|(_, predicate)| !holds(predicate, columns, row));
    failed.map_or(Value::Bool(true), |(name, _)| Value::from(name.as_str()))
}

/// Evaluates `column op number` or `NOT column`; null fails.
fn holds(predicate: &str, columns: &Columns, row: usize) -> bool {
    match predicate.split(' ').collect::<Vec<_>>()[..] {
        ["NOT", column] => {
            let flags = columns[column].as_boolean();
            flags.is_valid(row) && !flags.value(row)
        }
        [column, operator, bound] => {
            let bound: f64 = bound.parse().unwrap();
            number(&columns[column], row).is_some_and(|value| match operator {
                "<=" => value <= bound,
                ">=" => value >= bound,
                ">" => value > bound,
                other => panic!("{other} is not an operator of the presets"),
            })
        }
        _ => panic!("{predicate} is not a predicate of the presets"),
    }
}

fn number(column: &ArrayRef, row: usize) -> Option<f64> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::UInt32 => Some(column.as_primitive::<UInt32Type>().value(row).into()),
        DataType::Float64 => Some(column.as_primitive::<Float64Type>().value(row)),
        other => panic!("{other} is no number"),
    }
}

#[test]
fn presets_name_columns_that_exist() {
    let outputs = SIGNALS
        .iter()
        .map(|signal| signal.card())
        .chain(EDITS.iter().map(|edit| edit.card()))
        .flat_map(|card| card.outputs);
    let known: HashMap<&str, ColumnType> = outputs.map(|column| (column.name, column.kind)).collect();
    let presets = [
        "gopher_quality",
        "gopher_repetition",
        "c4_quality",
        "fineweb_quality",
    ];
    let table = preset_file("fineweb2/languages.tsv");
    let languages = table.lines().skip(1).filter_map(|line| line.split('\t').next());
    let fineweb2 = languages.flat_map(|language| FINEWEB2.map(|preset| fineweb2_rules(preset, language)));
    let all = presets.into_iter().chain(PROFILES).map(rules).chain(fineweb2);
    for rules in all {
        for (name, predicate) in rules {
            let column = predicate
                .split(' ')
                .find(|word| word.starts_with("text_"))
                .unwrap();
            assert!(known.contains_key(column), "{name} names {column}");
        }
    }
}
