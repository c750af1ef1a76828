//! `signals` and `compare`: several recipes over the same documents.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;
use datafusion::arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch},
    compute::filter_record_batch,
};
use gristmill_engine::{
    Error, Judged, KEPT, Outcome, Overrides, Plan, Recipe, Registry, RuleCost, Runtime, SignalStore, Signals,
};
use gristmill_shard::{Sketcher, Sketches};
use serde_json::{Value, json};

use super::{
    Context, MachineArguments,
    progress::Display,
    recipe::{RecipeArguments, read_recipe_file},
    screen::{bytes, count, escaped, grouped},
    summary,
};
use crate::{
    compare::{
        Control, FOLDS, Folds, Interval, Ladder, Metric, NearDuplicates, Overlap, Target, controls, host,
        interval, metrics, read_folds, sampled,
    },
    page::compare::{self as page, Compared, Comparison, Controls, Difference, Sweep},
};

/// Bytes of input above which texts of a share of the documents are stored and not of all.
const ALL_TEXTS: u64 = 2 << 30;

#[derive(Args)]
pub(crate) struct SignalsArguments {
    /// Recipes whose signals are measured, YAML files
    #[arg(required = true)]
    recipes: Vec<String>,
    /// Read this instead of the first recipe's addresses; may be given several times
    #[arg(long, value_name = "URI")]
    read: Vec<String>,
    /// Where to store the signals
    #[arg(long, value_name = "URI")]
    to: String,
    /// Measure what the controls of `compare --target` need as well
    #[arg(long)]
    controls: bool,
    #[command(flatten)]
    machine: MachineArguments,
}

#[derive(Args)]
pub(crate) struct CompareArguments {
    /// The recipes, YAML files
    #[arg(required = true)]
    recipes: Vec<String>,
    /// Read this instead of the first recipe's addresses; may be given several times
    #[arg(long, value_name = "URI")]
    read: Vec<String>,
    /// The HTML page to write
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Where signals are stored, to be made if nothing is there; a folder that is removed afterwards when absent
    #[arg(long, value_name = "URI")]
    signals: Option<String>,
    /// Texts that samples are compared with, such as wiki=wiki.jsonl; may be given several times
    #[arg(long, value_name = "NAME=URI")]
    target: Vec<String>,
    /// Evaluation sets whose items are looked for in the samples, such as mmlu=mmlu.jsonl; may be given several times
    #[arg(long, value_name = "NAME=URI")]
    evaluation: Vec<String>,
    /// Judge the first recipe with several values of a rule's last number: english=0.5..0.9:0.05
    #[arg(long, value_name = "RULE=FROM..TO:STEP")]
    sweep: Option<String>,
    /// Another way to deal the sample into folds
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    machine: MachineArguments,
}

/// A recipe that takes part.
struct Entrant {
    name: String,
    recipe: Arc<Recipe>,
    plan: Arc<Plan>,
}

pub(crate) fn signals(context: &Context, arguments: &SignalsArguments) -> Result<(), Error> {
    let registry = Arc::new(gristmill::registry());
    let runtime = context.runtime()?;
    let mut entrants = entrants(&arguments.recipes, &arguments.read, &registry)?;
    if arguments.controls {
        entrants.extend(control_recipes(&entrants[0], &registry)?);
    }
    let entrants: Vec<&Entrant> = entrants.iter().collect();
    let signals = together(
        &entrants,
        &registry,
        &arguments.to,
        context,
        &arguments.machine,
        &runtime,
    )?;
    store(
        context,
        &signals,
        &registry,
        &arguments.machine,
        &runtime,
        &arguments.to,
    )?;
    Ok(())
}

pub(crate) fn compare(context: &Context, arguments: &CompareArguments) -> Result<(), Error> {
    let registry = Arc::new(gristmill::registry());
    let runtime = context.runtime()?;
    let mut all = entrants(&arguments.recipes, &arguments.read, &registry)?;
    let own = all.len();
    let sweep = arguments.sweep.as_deref().map(parse_sweep).transpose()?;
    if let Some(sweep) = &sweep {
        all.extend(swept(&arguments.recipes[0], &arguments.read, sweep, &registry)?);
    }
    let last = all.len();
    let targets = named_texts("--target", &arguments.target, context, &registry, &runtime)?;
    let evaluations = named_texts(
        "--evaluation",
        &arguments.evaluation,
        context,
        &registry,
        &runtime,
    )?;
    let mut control_entrants = match targets.is_empty() {
        true => Vec::new(),
        false => control_recipes(&all[0], &registry)?,
    };
    let scratch = tempfile::tempdir()
        .map_err(|error| Error::Failed(format!("cannot make a scratch folder: {error}")))?;
    let uri = arguments
        .signals
        .clone()
        .unwrap_or_else(|| scratch.path().join("signals").display().to_string());
    // Recipes that cannot share signals are run by themselves; what others share tells which documents there are.
    let mut sharing: Vec<usize> = Vec::new();
    let mut alone: Vec<usize> = Vec::new();
    for (number, entrant) in all.iter().enumerate() {
        let own_signals = Signals::of(
            &[(entrant.recipe.clone(), entrant.plan.clone())],
            &registry,
            &uri,
            1.0,
        );
        let is_run = own_signals.is_err() && number < own && entrant.plan.keeps_rows();
        if is_run { &mut alone } else { &mut sharing }.push(number);
    }
    if sharing.is_empty() {
        sharing.push(all.len());
        all.push(plain(&all[0], "all", "", &registry)?);
    }
    let (all, sharing) = (all, sharing);
    let bring = |controls: &[Entrant]| {
        let all: Vec<&Entrant> = sharing
            .iter()
            .map(|number| &all[*number])
            .chain(controls)
            .collect();
        together(&all, &registry, &uri, context, &arguments.machine, &runtime)
    };
    let mut signals = bring(&control_entrants)?;
    let known = SignalStore::open(&uri, &context.options(Some(&arguments.machine)), &runtime)?;
    if let (Some(known), false) = (known, control_entrants.is_empty())
        && known
            .fits(&signals, &context.options(Some(&arguments.machine)), &runtime)
            .is_err()
    {
        context.screen.say("the store has not what the controls need (`gristmill signals --controls` makes one that has); the metrics are not checked");
        control_entrants.clear();
        signals = bring(&[])?;
    }
    let (store, costs) = store(context, &signals, &registry, &arguments.machine, &runtime, &uri)?;
    let mut shared = signals.judge(&store, &runtime)?;
    let (mut shared_folds, pool) = read_folds(&store, &shared, arguments.seed, &runtime)?;
    shared.truncate(sharing.len());
    let control_folds = shared_folds.split_off(sharing.len());
    let mut results: BTreeMap<usize, (Judged, Folds)> = sharing
        .iter()
        .copied()
        .zip(shared.into_iter().zip(shared_folds))
        .collect();
    for number in alone {
        let to = scratch.path().join(format!("run-{number}")).display().to_string();
        results.insert(
            number,
            run_alone(
                &arguments.recipes[number],
                &arguments.read,
                &to,
                &store,
                arguments.seed,
                context,
                &registry,
                &runtime,
            )?,
        );
    }
    let (judged, folds): (Vec<Judged>, Vec<Folds>) = results.into_values().unzip();
    let documents = judged[0].verdicts.len() as u64;
    let names: Vec<&str> = all.iter().map(|entrant| entrant.name.as_str()).collect();
    context.screen.say(&format!(
        "{} judged by {}",
        count(documents, "document"),
        count(all.len() as u64, "recipe")
    ));

    // A sample of next to nothing says nothing, and must not keep the others from speaking.
    let speaking: Vec<usize> = (0..own).filter(|number| folds[*number].is_enough()).collect();
    let samples: Vec<&Folds> = speaking.iter().map(|number| &folds[*number]).collect();
    let spoken: Vec<&str> = speaking.iter().map(|number| names[*number]).collect();
    let measured = metrics(&samples, &pool, &targets, &evaluations, context.threads);
    let controls = match control_folds.as_slice() {
        [c4, fineweb] => ladder(c4, fineweb, &pool, &targets, arguments.seed, context.threads),
        _ => None,
    };
    let columns = signals.columns();
    let (before, after) = distributions(&store, &columns, &judged[..own], &runtime)?;
    let hosts = hosts(&store, &judged[..own], &runtime)?;
    let near = NearDuplicates::of(&pool);
    let comparison = Comparison {
        documents,
        near: pairs(own, |a, b| near.share(&judged[a], &judged[b])),
        input_bytes: store.manifest().input.bytes,
        compared: (0..own)
            .map(|number| {
                compared(
                    names[number],
                    &judged[number],
                    &folds[number],
                    &costs,
                    documents,
                    &hosts[number],
                    &after[number],
                )
            })
            .collect(),
        jaccard: pairs(own, |a, b| Overlap::of(&judged[a], &judged[b])),
        before,
        differences: measured
            .as_ref()
            .map_or_else(Vec::new, |(metrics, _)| differences(metrics, &spoken)),
        metrics: measured
            .as_ref()
            .map_or_else(Vec::new, |(metrics, _)| metrics.clone()),
        silent: names[..own]
            .iter()
            .filter(|name| !spoken.contains(name))
            .map(|name| (*name).to_owned())
            .collect(),
        fold_bytes: measured.as_ref().map(|(_, bytes)| *bytes),
        has_targets: !targets.is_empty(),
        controls,
        disagreements: disagreements(&judged[..own], &pool, own),
        sweep: sweep.map(|sweep| Sweep {
            points: (own..last)
                .map(|number| {
                    let kept = judged[number]
                        .verdicts
                        .iter()
                        .filter(|verdict| **verdict == KEPT)
                        .count();
                    (sweep.values[number - own], kept as f64 / documents.max(1) as f64)
                })
                .collect(),
            metrics: sweep_metrics(&folds[own..last], &pool, &targets, &sweep.values, context.threads),
            rule: sweep.rule,
        }),
        seed: arguments.seed,
    };
    print(context, &comparison);
    if let Some(file) = &arguments.to {
        std::fs::write(file, page::compare(&comparison))
            .map_err(|error| Error::Failed(format!("cannot write {}: {error}", file.display())))?;
        context
            .screen
            .say(&format!("written to {}", escaped(&file.display().to_string())));
    }
    Ok(())
}

/// Reads recipes; all read the same: what is asked on the command line, or what the first one says.
fn entrants(files: &[String], read: &[String], registry: &Arc<Registry>) -> Result<Vec<Entrant>, Error> {
    let mut entrants: Vec<Entrant> = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match RecipeArguments::with(file, read, &[], &[]).prepare_with(registry) {
            Ok((recipe, plan)) => entrants.push(Entrant {
                name: unique(&entrants, &recipe.name),
                recipe,
                plan,
            }),
            Err(Error::Recipe(found)) => problems.extend(found),
            Err(error) => return Err(error),
        }
    }
    if problems.is_empty() {
        Ok(entrants)
    } else {
        Err(Error::Recipe(problems))
    }
}

fn unique(entrants: &[Entrant], name: &str) -> String {
    let is_taken = |name: &str| entrants.iter().any(|entrant| entrant.name == name);
    let others = (2..).map(|number| format!("{name} ({number})"));
    std::iter::once(name.to_owned())
        .chain(others)
        .find(|name| !is_taken(name))
        .expect("numbers do not end")
}

/// Brings recipes together, with texts of a share of the documents that suits the size of the input.
fn together(
    entrants: &[&Entrant],
    registry: &Registry,
    uri: &str,
    context: &Context,
    machine: &MachineArguments,
    runtime: &Runtime,
) -> Result<Signals, Error> {
    let recipes: Vec<_> = entrants
        .iter()
        .map(|entrant| (entrant.recipe.clone(), entrant.plan.clone()))
        .collect();
    if recipes[0].0.read.is_empty() {
        return Err(Error::Usage("nothing to read: give --read URI".into()));
    }
    let input = gristmill_engine::input_bytes(&recipes[0].0, &context.options(Some(machine)), runtime)?;
    let share = (ALL_TEXTS as f64 / input.max(1) as f64).min(1.0);
    Signals::of(&recipes, registry, uri, share).map_err(|problems| {
        let told = problems
            .iter()
            .map(|(number, problem)| format!("{}: {problem}", entrants[*number].name));
        Error::Usage(format!(
            "these recipes cannot be compared: {}",
            told.collect::<Vec<_>>().join("; ")
        ))
    })
}

/// Makes the store unless it is there; gives the processor time of each measure for a document.
fn store(
    context: &Context,
    signals: &Signals,
    registry: &Arc<Registry>,
    machine: &MachineArguments,
    runtime: &Runtime,
    uri: &str,
) -> Result<(SignalStore, BTreeMap<String, f64>), Error> {
    let options = context.options(Some(machine));
    if let Some(store) = SignalStore::open(uri, &options, runtime)? {
        store.fits(signals, &options, runtime)?;
        context
            .screen
            .say(&format!("signals are read from {}", escaped(uri)));
        return Ok((store, BTreeMap::new()));
    }
    let progress = gristmill_engine::progress(&signals.plan);
    let display = Display::start(&context.screen, progress.clone());
    let result = gristmill_engine::run(
        &signals.recipe,
        &signals.plan,
        registry,
        runtime,
        &options,
        &progress,
        &|event| {
            display.event(&event);
        },
    );
    let seconds = display.stop();
    if let Outcome::Waiting { segment, slices } = result? {
        summary::waiting(&context.screen, segment, slices);
    }
    let gone = || Error::Failed(format!("{uri} is not complete"));
    let store = SignalStore::open(uri, &options, runtime)?.ok_or_else(gone)?;
    let manifest = store.manifest();
    context.screen.say(&format!(
        "signals of {} in {} from {} in {seconds:.1} s",
        count(manifest.account.kept, "document"),
        bytes(manifest.bytes()),
        bytes(manifest.input.bytes)
    ));
    let costs = progress.steps().into_iter().filter(|step| step.rows() > 0);
    let costs = costs
        .map(|step| (step.name.clone(), step.cpu().as_secs_f64() / step.rows() as f64))
        .collect();
    Ok((store, costs))
}

/// A rule and the values that are tried in it.
struct ParsedSweep {
    rule: String,
    values: Vec<f64>,
}

fn parse_sweep(text: &str) -> Result<ParsedSweep, Error> {
    let wrong = || Error::Usage(format!("{text:?} is not a sweep such as english=0.5..0.9:0.05"));
    let (rule, range) = text.split_once('=').ok_or_else(wrong)?;
    let (from, rest) = range.split_once("..").ok_or_else(wrong)?;
    let (to, step) = rest.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    let (from, to, step) = (
        number(from).ok_or_else(wrong)?,
        number(to).ok_or_else(wrong)?,
        number(step).ok_or_else(wrong)?,
    );
    let steps = ((to - from) / step + 1e-9).floor();
    if !(0.0..=100.0).contains(&steps) {
        return Err(Error::Usage(format!("{text:?} is no sweep of 1 to 101 values")));
    }
    Ok(ParsedSweep {
        // Written as a path, `text.keep.english`, it is the rule all the same.
        rule: rule.rsplit('.').next().unwrap_or(rule).to_owned(),
        values: (0..=steps as u32)
            .map(|n| ((from + f64::from(n) * step) * 1e9).round() / 1e9)
            .collect(),
    })
}

/// The recipe with each value in the place of the rule's last number.
fn swept(
    file: &str,
    read: &[String],
    sweep: &ParsedSweep,
    registry: &Arc<Registry>,
) -> Result<Vec<Entrant>, Error> {
    let mut entrants = Vec::new();
    for value in &sweep.values {
        let overrides = Overrides {
            read: read.to_vec(),
            ..Overrides::default()
        };
        let mut recipe = read_recipe_file(file, &overrides, registry)?;
        if recipe.change_rules(&sweep.rule, |sql| with_last_number(sql, *value)) == 0 {
            return Err(Error::Usage(format!(
                "{file} has no rule {:?} with a number",
                sweep.rule
            )));
        }
        let plan = gristmill_engine::compile(file, &recipe, registry).map_err(Error::Recipe)?;
        entrants.push(Entrant {
            name: format!("{} = {value}", sweep.rule),
            recipe: Arc::new(recipe),
            plan: Arc::new(plan),
        });
    }
    Ok(entrants)
}

/// A predicate with another last number, if it has one. Digits of names and texts are none; a sign belongs to its number.
fn with_last_number(sql: &str, value: f64) -> Option<String> {
    let bytes = sql.as_bytes();
    let (mut found, mut at, mut in_text) = (None, 0, false);
    while at < bytes.len() {
        let is_in_name =
            at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || b"_.\"".contains(&bytes[at - 1]));
        in_text ^= bytes[at] == b'\'';
        if bytes[at].is_ascii_digit() && !is_in_name && !in_text {
            let end = at + number_length(&bytes[at..]);
            found = Some((signed(sql, at), end));
            at = end;
        } else {
            at += 1;
        }
    }
    let (from, to) = found?;
    let value = if value < 0.0 {
        format!("({value})")
    } else {
        value.to_string()
    };
    Some(format!("{}{value}{}", &sql[..from], &sql[to..]))
}

/// Bytes of the number that a text begins with: digits, a fraction, an exponent.
fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| {
        text[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut end = digits(0);
    if text.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if text.get(end).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'e')) {
        let sign = usize::from(text.get(end + 1).is_some_and(|byte| b"+-".contains(byte)));
        let exponent = digits((end + 1 + sign).min(text.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// Where a number begins with its sign: a minus behind an operator, a comma, a parenthesis or a keyword is one.
fn signed(sql: &str, number: usize) -> usize {
    let before = sql[..number].trim_end();
    let Some(rest) = before.strip_suffix('-') else {
        return number;
    };
    let operand = rest.trim_end();
    let word = operand
        .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .unwrap_or_default();
    let is_keyword = [
        "and", "or", "not", "between", "then", "else", "when", "in", "like",
    ]
    .contains(&word.to_ascii_lowercase().as_str());
    let is_sign = operand.is_empty()
        || operand.ends_with(['<', '>', '=', '(', ',', '+', '-', '*', '/', '%'])
        || is_keyword;
    if is_sign { rest.len() } else { number }
}

/// Recipes of well-known rules behind the extraction of another one.
fn control_recipes(like: &Entrant, registry: &Arc<Registry>) -> Result<Vec<Entrant>, Error> {
    let steps = [
        ("c4", ", {edit: c4_lines}, {use: c4_quality}"),
        (
            "fineweb",
            ", {use: gopher_repetition}, {use: gopher_quality}, {edit: c4_lines}, {use: c4_quality}, {use: fineweb_quality}",
        ),
    ];
    steps
        .into_iter()
        .map(|(name, steps)| plain(like, name, steps, registry))
        .collect()
}

/// A recipe of text that reads and extracts as another one does.
fn plain(like: &Entrant, name: &str, steps: &str, registry: &Arc<Registry>) -> Result<Entrant, Error> {
    let extract = like.plan.extractors().join(", ");
    let source = format!("{{recipe: 1, name: control-{name}, text: [{{extract: [{extract}]}}{steps}]}}");
    let recipe = gristmill_engine::read_recipe(name, &source, &Overrides::default(), registry)
        .map_err(Error::Recipe)?;
    let recipe = recipe.reading_as(&like.recipe);
    let plan = gristmill_engine::compile(name, &recipe, registry).map_err(Error::Recipe)?;
    Ok(Entrant {
        name: name.to_owned(),
        recipe: Arc::new(recipe),
        plan: Arc::new(plan),
    })
}

/// Runs a recipe that cannot share, and says of each document of the store whether it was kept.
#[expect(
    clippy::too_many_arguments,
    reason = "a run is where everything comes together"
)]
fn run_alone(
    file: &str,
    read: &[String],
    to: &str,
    store: &SignalStore,
    seed: u64,
    context: &Context,
    registry: &Arc<Registry>,
    runtime: &Runtime,
) -> Result<(Judged, Folds), Error> {
    context.screen.say(&format!(
        "{} cannot share signals and is run by itself",
        escaped(file)
    ));
    let options = context.options(None);
    let (recipe, plan) = RecipeArguments::of(file.to_owned(), read.to_vec(), to.to_owned(), Vec::new())
        .prepare_with(registry)?;
    let progress = gristmill_engine::progress(&plan);
    gristmill_engine::run(&recipe, &plan, registry, runtime, &options, &progress, &|_| {})?;
    let output = gristmill_engine::Output::open(to, &options.stores, runtime)?;
    let mut places: HashMap<String, usize> = HashMap::new();
    store.read(&["id"], runtime, |batch| {
        let ids = batch.column_by_name("id").map(AsArray::as_string_view);
        for id in ids.into_iter().flatten() {
            places.insert(id.unwrap_or_default().to_owned(), places.len());
        }
        Ok(())
    })?;
    let mut judged = Judged {
        verdicts: vec![0; places.len()],
        ..Judged::default()
    };
    let modality = plan.outputs()[0].modality;
    let has = |name: &str| plan.outputs()[0].columns.iter().any(|column| column == name);
    let select = |name: &str| {
        if has(name) {
            name.to_owned()
        } else {
            format!("NULL AS {name}")
        }
    };
    let mut documents = Vec::new();
    let sql = format!("SELECT id, {}, {} FROM {modality}", select("url"), select("text"));
    output.query(&sql, runtime, |batch| {
        for row in super::rows::json_rows(batch).unwrap_or_default() {
            let text = |name: &str| row[name].as_str();
            let Some(place) = text("id").and_then(|id| places.get(id)) else {
                continue;
            };
            judged.verdicts[*place] = KEPT;
            if let Some(content) = text("text") {
                judged.bytes += content.len() as u64;
                documents.push(sampled(
                    *place,
                    text("id").unwrap_or_default(),
                    text("url"),
                    content,
                    seed,
                ));
            }
        }
    })?;
    let verdicts = output.manifest().account.verdicts.iter();
    judged.rules = (0..)
        .zip(verdicts)
        .map(|(number, verdict)| RuleCost {
            step: verdict.step.clone(),
            name: verdict.rule.clone(),
            number,
            dropped: verdict.rows,
            alone: None,
            only: None,
        })
        .collect();
    Ok((judged, Folds::of(documents)))
}

/// Texts that an option names, read as any recipe would read them.
fn named_texts(
    option: &str,
    named: &[String],
    context: &Context,
    registry: &Arc<Registry>,
    runtime: &Runtime,
) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    for target in named {
        let Some((name, uri)) = target.split_once('=') else {
            return Err(Error::Usage(format!(
                "{target:?} is no {option} such as wiki=wiki.jsonl"
            )));
        };
        let source = format!(
            "{{recipe: 1, name: target, read: [{{uri: {}}}], text: [{{extract: [html, plain]}}]}}",
            json!(uri)
        );
        let recipe = gristmill_engine::read_recipe(option, &source, &Overrides::default(), registry)
            .map_err(Error::Recipe)?;
        let plan = gristmill_engine::compile(option, &recipe, registry).map_err(Error::Recipe)?;
        let scratch = tempfile::tempdir()
            .map_err(|error| Error::Failed(format!("cannot make a scratch folder: {error}")))?;
        let to = scratch.path().join("target").display().to_string();
        let signals = Signals::of(&[(Arc::new(recipe), Arc::new(plan))], registry, &to, 1.0)
            .map_err(|problems| Error::Failed(problems[0].1.clone()))?;
        let options = context.options(None);
        let progress = gristmill_engine::progress(&signals.plan);
        gristmill_engine::run(
            &signals.recipe,
            &signals.plan,
            registry,
            runtime,
            &options,
            &progress,
            &|_| {},
        )?;
        let gone = || Error::Failed(format!("{to} is not complete"));
        let store = SignalStore::open(&to, &options, runtime)?.ok_or_else(gone)?;
        let mut texts = Vec::new();
        store.read(&["text_sample"], runtime, |batch| {
            if let Some(column) = batch.column_by_name("text_sample") {
                texts.extend(column.as_string_view().iter().flatten().map(str::to_owned));
            }
            Ok(())
        })?;
        if texts.is_empty() {
            return Err(Error::Input(format!("{uri}, which {option} names, has no texts")));
        }
        targets.push(Target {
            name: name.to_owned(),
            texts,
        });
    }
    Ok(targets)
}

/// What the controls say of each metric.
fn ladder(
    c4: &Folds,
    fineweb: &Folds,
    pool: &Folds,
    targets: &[Target],
    seed: u64,
    threads: usize,
) -> Option<Controls> {
    let mut samples = vec![(Control::C4, c4.clone()), (Control::FineWeb, fineweb.clone())];
    samples.extend(controls(pool, seed));
    let kept: std::collections::HashSet<&str> = c4.documents().map(|document| &*document.id).collect();
    let rejected = pool
        .documents()
        .filter(|document| !kept.contains(&*document.id))
        .cloned();
    samples.push((Control::Rejected, Folds::of(rejected.collect())));
    // A control with nearly no text would take the others with it.
    samples.retain(|(_, folds)| folds.is_enough());
    let order: Vec<Control> = samples.iter().map(|(control, _)| *control).collect();
    let folds: Vec<&Folds> = samples.iter().map(|(_, folds)| folds).collect();
    let (metrics, _) = metrics(&folds, pool, targets, &[], threads)?;
    let ladders = metrics
        .iter()
        .filter_map(|metric| Some((metric.title(), Ladder::of(metric, &order)?)));
    Some(Controls {
        ladders: ladders.collect(),
        values: metrics
            .iter()
            .filter(|metric| metric.is_higher_better.is_some())
            .map(|metric| {
                let means = metric
                    .values
                    .iter()
                    .map(|values| values.iter().sum::<f64>() / FOLDS as f64);
                let named = order
                    .iter()
                    .zip(means)
                    .map(|(control, mean)| (control.name().to_owned(), mean));
                (metric.title(), named.collect())
            })
            .collect(),
    })
}

/// Sketches of stored columns: of all documents, and of those that each recipe keeps.
fn distributions(
    store: &SignalStore,
    columns: &[String],
    judged: &[Judged],
    runtime: &Runtime,
) -> Result<(Sketches, Vec<Sketches>), Error> {
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut sketchers: Vec<Sketcher> = Vec::new();
    let mut first = 0;
    store.read(&names, runtime, |batch: &RecordBatch| {
        if sketchers.is_empty() {
            sketchers = (0..=judged.len())
                .map(|_| Sketcher::new(&batch.schema()))
                .collect();
        }
        sketchers[0].add(batch)?;
        for (sketcher, judged) in sketchers[1..].iter_mut().zip(judged) {
            let verdicts = &judged.verdicts[first..first + batch.num_rows()];
            let is_kept: BooleanArray = verdicts.iter().map(|verdict| Some(*verdict == KEPT)).collect();
            sketcher.add(
                &filter_record_batch(batch, &is_kept).map_err(|error| Error::Failed(error.to_string()))?,
            )?;
        }
        first += batch.num_rows();
        Ok(())
    })?;
    let mut sketches = sketchers.into_iter().map(Sketcher::finish);
    let before = sketches.next().unwrap_or_default();
    let mut after: Vec<Sketches> = sketches.collect();
    after.resize_with(judged.len(), Sketches::new);
    Ok((before, after))
}

/// Kept documents by host, of each recipe.
fn hosts(
    store: &SignalStore,
    judged: &[Judged],
    runtime: &Runtime,
) -> Result<Vec<Vec<(String, u64)>>, Error> {
    let mut counts: Vec<HashMap<String, u64>> = vec![HashMap::new(); judged.len()];
    let mut first = 0;
    store.read(&["url"], runtime, |batch| {
        let urls = batch.column_by_name("url").map(AsArray::as_string_view);
        for row in 0..batch.num_rows() {
            let Some(url) = urls.filter(|urls| urls.is_valid(row)).map(|urls| urls.value(row)) else {
                continue;
            };
            for (judged, counts) in judged.iter().zip(&mut counts) {
                if judged.verdicts[first + row] == KEPT {
                    match counts.get_mut(host(url)) {
                        Some(count) => *count += 1,
                        None => {
                            counts.insert(host(url).to_owned(), 1);
                        }
                    }
                }
            }
        }
        first += batch.num_rows();
        Ok(())
    })?;
    let sorted = counts.into_iter().map(|counts| {
        let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts
    });
    Ok(sorted.collect())
}

fn compared(
    name: &str,
    judged: &Judged,
    folds: &Folds,
    costs: &BTreeMap<String, f64>,
    documents: u64,
    hosts: &[(String, u64)],
    after: &Sketches,
) -> Compared {
    let kept = judged.verdicts.iter().filter(|verdict| **verdict == KEPT).count() as u64;
    let sampled: Vec<&str> = folds
        .documents()
        .take(2000)
        .map(|document| &*document.text)
        .collect();
    let sampled_bytes: usize = sampled.iter().map(|text| text.len()).sum();
    let tokens = (sampled_bytes > 0)
        .then(|| tokens(&sampled) as f64 / sampled_bytes as f64 * judged.bytes as f64)
        .map(|tokens| tokens as u64);
    let of_step =
        |(key, share): &(String, f64)| Some((key.clone(), costs.get(key)? * share * documents as f64));
    Compared {
        name: name.to_owned(),
        kept,
        bytes: judged.bytes,
        tokens,
        rules: judged.rules.clone(),
        hosts: hosts.to_vec(),
        after: after.clone(),
        cpu: judged.work.iter().filter_map(of_step).collect(),
    }
}

/// Tokens of texts in cl100k_base.
fn tokens(texts: &[&str]) -> u64 {
    let signal = gristmill_text::SIGNALS
        .iter()
        .find(|signal| signal.card().name == "text_token_count");
    let texts: datafusion::arrow::array::StringViewArray = texts.iter().map(|text| Some(*text)).collect();
    let counted = signal.and_then(|signal| signal.compute(&[Arc::new(texts)]).ok());
    let counts = counted.and_then(|mut columns| columns.pop());
    counts.map_or(0, |counts| {
        let counts = counts.as_primitive::<datafusion::arrow::datatypes::Int64Type>();
        counts.iter().flatten().sum::<i64>() as u64
    })
}

/// Something of each pair of recipes.
fn pairs<T>(recipes: usize, of: impl Fn(usize, usize) -> T) -> Vec<Vec<T>> {
    (0..recipes)
        .map(|a| (0..recipes).map(|b| of(a, b)).collect())
        .collect()
}

/// Differences of all metrics and pairs, with their intervals.
fn differences(metrics: &[Metric], names: &[&str]) -> Vec<Difference> {
    let mut differences = Vec::new();
    for metric in metrics {
        for a in 0..names.len() {
            for b in a + 1..names.len() {
                let Some(interval) = interval(&metric.differences(a, b)) else {
                    continue;
                };
                differences.push(Difference {
                    metric: metric.title(),
                    has_better: metric.is_higher_better.is_some(),
                    first: names[a].to_owned(),
                    second: names[b].to_owned(),
                    interval,
                });
            }
        }
    }
    differences
}

/// Documents that only one of the first two recipes keeps, without telling which: shuffled, with a key at the end.
fn disagreements(judged: &[Judged], pool: &Folds, recipes: usize) -> Vec<(String, String, usize)> {
    const EACH: usize = 8;
    if recipes < 2 {
        return Vec::new();
    }
    let mut only: [Vec<(String, String)>; 2] = [Vec::new(), Vec::new()];
    let kept = |recipe: usize, place: usize| judged[recipe].verdicts.get(place) == Some(&KEPT);
    for document in pool.documents() {
        let side = match (kept(0, document.row), kept(1, document.row)) {
            (true, false) => 0,
            (false, true) => 1,
            _ => continue,
        };
        if only[side].len() < EACH {
            only[side].push((document.id.to_string(), document.text.to_string()));
        }
    }
    let mut sheet: Vec<(String, String, usize)> = (0..)
        .zip(only)
        .flat_map(|(side, documents)| documents.into_iter().map(move |(id, text)| (id, text, side)))
        .collect();
    sheet.sort_by_key(|(id, _, _)| xxhash_rust::xxh3::xxh3_64(id.as_bytes()));
    sheet
}

/// The metrics along a sweep, as (metric, value of the rule, interval).
fn sweep_metrics(
    folds: &[Folds],
    pool: &Folds,
    targets: &[Target],
    values: &[f64],
    threads: usize,
) -> Vec<(String, f64, Interval)> {
    let samples: Vec<&Folds> = folds.iter().collect();
    let Some((metrics, _)) = metrics(&samples, pool, targets, &[], threads) else {
        return Vec::new();
    };
    let points = metrics.iter().flat_map(|metric| {
        let pairs = values.iter().zip(&metric.values);
        pairs.filter_map(|(value, folds)| Some((metric.title(), *value, interval(folds)?)))
    });
    points.collect()
}

fn print(context: &Context, comparison: &Comparison) {
    let screen = &context.screen;
    if screen.json {
        screen.json(&page::json(comparison));
        return;
    }
    let say = |line: String| screen.data(&escaped(line.trim_end()));
    let all = comparison.documents;
    say(format!(
        "{:<28} {:>12} {:>8} {:>12} {:>14} {:>10}",
        "recipe", "kept", "share", "text", "tokens, about", "CPU, s"
    ));
    for recipe in &comparison.compared {
        let cpu: f64 = recipe.cpu.iter().map(|(_, seconds)| seconds).sum();
        say(format!(
            "{:<28} {:>12} {:>8} {:>12} {:>14} {:>10}",
            recipe.name,
            grouped(recipe.kept),
            crate::page::percent(recipe.kept, all),
            bytes(recipe.bytes),
            recipe.tokens.map(grouped).unwrap_or_default(),
            if recipe.cpu.is_empty() {
                String::new()
            } else {
                crate::page::number(cpu)
            },
        ));
    }
    for (a, first) in comparison.compared.iter().enumerate() {
        for (b, second) in comparison.compared.iter().enumerate().skip(a + 1) {
            let overlap = comparison.jaccard[a][b];
            say(format!(
                "{} and {}: {} in both, {} only in the first, {} only in the second (Jaccard {:.3})",
                first.name,
                second.name,
                grouped(overlap.both),
                grouped(overlap.only_first),
                grouped(overlap.only_second),
                overlap.jaccard()
            ));
        }
    }
    for difference in &comparison.differences {
        let trust = comparison.trust(&difference.metric);
        say(page::verdict(difference, trust));
    }
    if !comparison.has_targets {
        screen.say("no --target was given, so nothing is said of what the texts are like, only how many and how varied they are");
    }
}

/// For the page's JSON.
pub(crate) fn interval_json(interval: Interval) -> Value {
    json!({ "mean": interval.mean, "low": interval.low, "high": interval.high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_of_a_rule_is_swept() {
        let check = |sql: &str, swept: Option<&str>| {
            assert_eq!(with_last_number(sql, 0.5).as_deref(), swept);
        };
        check(
            "text_language = 'en' AND text_language_score > 0.65",
            Some("text_language = 'en' AND text_language_score > 0.5"),
        );
        check(
            "text_top_2_gram <= 0.2 AND true",
            Some("text_top_2_gram <= 0.5 AND true"),
        );
        check("text_top_2_gram IS NULL", None);
        check("url != 'a 12'", None);
        check("n > -2", Some("n > 0.5"));
        check("n - 2 > 1e-3", Some("n - 2 > 0.5"));
        check("n BETWEEN 1 AND -2.5E+3", Some("n BETWEEN 1 AND 0.5"));
        assert_eq!(with_last_number("n > 3", -2.0).as_deref(), Some("n > (-2)"));
    }

    #[test]
    fn a_sweep_has_both_ends() {
        let sweep = parse_sweep("text.keep.english=0.5..0.9:0.1").unwrap();
        assert_eq!(
            (sweep.rule.as_str(), sweep.values),
            ("english", vec![0.5, 0.6, 0.7, 0.8, 0.9])
        );
        assert!(parse_sweep("english=0.5").is_err());
        assert!(parse_sweep("english=0..1:0.0000001").is_err());
    }
}
