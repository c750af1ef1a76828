//! The report of an output: where every record went, what was kept, what it cost, and what it looks like.

use std::collections::BTreeMap;

use gristmill_shard::{DedupEntry, Manifest, Sketch};
use maud::{Markup, html};
use serde_json::Value;

use super::{Histogram, Page, number, percent, short, visible};
use crate::command::{bytes, count, grouped};

/// Everything that a report tells.
pub(crate) struct Gathered {
    pub(crate) uri: String,
    pub(crate) manifest: Manifest,
    /// `plan.json`.
    pub(crate) plan: Value,
    /// The logs of runs, the oldest first.
    pub(crate) runs: Vec<Value>,
    /// Some kept documents of each modality.
    pub(crate) kept: BTreeMap<String, Vec<Shown>>,
    /// Some rejected ones, by rule.
    pub(crate) rejected: Vec<Rejected>,
}

/// A kept document, as far as it is shown.
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) url: Option<String>,
    pub(crate) text: Option<String>,
    /// Measures, as names and values.
    pub(crate) values: Vec<(String, String)>,
    pub(crate) medium: Option<Medium>,
}

/// A picture, sound or video inside the page.
pub(crate) enum Medium {
    Image(String),
    Audio(String),
    /// Its first picture.
    Video(String),
}

/// A rejected document.
pub(crate) struct Rejected {
    pub(crate) id: String,
    pub(crate) url: Option<String>,
    pub(crate) step: String,
    pub(crate) verdict: String,
    pub(crate) rule: Option<String>,
    pub(crate) values: Option<String>,
    pub(crate) preview: Option<String>,
    pub(crate) fault: Option<String>,
}

/// The page.
pub(crate) fn report(gathered: &Gathered) -> String {
    let manifest = &gathered.manifest;
    let mut page = Page::new(format!("Report: {}", manifest.name));
    let funnel = funnel(&mut page, manifest);
    page.section("Where every record went", funnel);
    if !manifest.account.faults.is_empty() {
        let faults = faults(gathered);
        page.section("Faults", faults);
    }
    for (modality, sketches) in &manifest.sketches {
        let measures = measures(&mut page, sketches);
        page.section(format!("Measures of kept rows: {modality}"), measures);
    }
    if !manifest.dedup.is_empty() {
        let dedup = dedup(&mut page, &manifest.dedup);
        page.section("Copies", dedup);
    }
    if !gathered.runs.is_empty() {
        let cost = cost(&mut page, &gathered.runs, manifest);
        page.section("Time", cost);
    }
    for (modality, rows) in &gathered.kept {
        page.section(format!("Some kept documents: {modality}"), kept(rows));
    }
    if !gathered.rejected.is_empty() {
        page.section("Some rejected records", rejected(&gathered.rejected));
    }
    page.section("Provenance", provenance(gathered));
    let intro = intro(gathered);
    page.render(&intro)
}

fn intro(gathered: &Gathered) -> Markup {
    let manifest = &gathered.manifest;
    let account = &manifest.account;
    let shards: usize = manifest.shards.values().map(Vec::len).sum();
    let fact = |name: &str, value: String| html! { div { dt { (name) } dd { (value) } } };
    html! {
        p.quiet { code { (visible(&gathered.uri)) } }
        dl.facts {
            (fact("records read", grouped(account.read)))
            (fact("kept", format!("{} ({})", grouped(account.kept), percent(account.kept, account.read + account.born))))
            (fact("faults", grouped(account.faulty())))
            (fact("read", bytes(manifest.input.bytes)))
            (fact("written", format!("{} in {}", bytes(manifest.bytes()), count(shards as u64, "shard"))))
        }
        @if account.kept == 0 { p.bad { "Nothing was kept." } }
    }
}

fn funnel(page: &mut Page, manifest: &Manifest) -> Markup {
    let account = &manifest.account;
    let all = account.read + account.born;
    let mut left = all - account.faulty();
    let mut bars = vec![("records and documents".to_owned(), all as f64, grouped(all))];
    if account.faulty() > 0 {
        bars.push((
            "without a fault".into(),
            left as f64,
            format!("−{}", grouped(account.faulty())),
        ));
    }
    let mut rows = Vec::new();
    for verdict in &account.verdicts {
        left -= verdict.rows;
        if verdict.rows > 0 {
            let note = format!("−{} ({})", grouped(verdict.rows), percent(verdict.rows, all));
            bars.push((verdict.rule.clone(), left as f64, note));
        }
        rows.push((verdict, left));
    }
    let alt = format!(
        "How many of {} are left behind each rule; {} are kept",
        grouped(all),
        grouped(account.kept)
    );
    let chart = page.bars(&alt, &bars);
    html! {
        p {
            (grouped(account.read)) " records were read"
            @if account.born > 0 { ", " (grouped(account.born)) " more documents were born of them" }
            ". Each left at the first rule that was not true of it, with a fault, or was kept: the numbers add up."
        }
        (chart)
        details {
            summary { "All rules" }
            div.scroll { table {
                thead { tr { th { "step" } th { "rule" } th.n { "rejected" } th.n { "share" } th.n { "left" } } }
                tbody { @for (verdict, left) in &rows { tr {
                    td { (visible(&verdict.step)) } td { code { (visible(&verdict.rule)) } } td.n { (grouped(verdict.rows)) }
                    td.n { (percent(verdict.rows, all)) } td.n { (grouped(*left)) }
                } } }
            } }
        }
    }
}

fn faults(gathered: &Gathered) -> Markup {
    let account = &gathered.manifest.account;
    let examples = |kind: &str| {
        let told = gathered.rejected.iter().filter_map(|row| row.fault.as_deref());
        told.filter(|fault| fault.split(':').next() == Some(kind))
            .take(3)
            .collect::<Vec<_>>()
    };
    html! {
        p { "What could not be read or measured. Faults are counted and never stop a run." }
        table {
            thead { tr { th { "kind" } th.n { "records" } th.n { "share" } th { "such as" } } }
            tbody { @for (kind, rows) in &account.faults { tr {
                td { code { (kind) } } td.n { (grouped(*rows)) } td.n { (percent(*rows, account.read + account.born)) }
                td.key { @for fault in examples(kind.as_str()) { div { (visible(&short(fault, 200))) } } }
            } } }
        }
    }
}

fn measures(page: &mut Page, sketches: &gristmill_shard::Sketches) -> Markup {
    let cards: Vec<Markup> = sketches
        .iter()
        .filter_map(|(column, sketch)| measure(page, column, sketch))
        .collect();
    let constant = sketches
        .iter()
        .filter_map(|(column, sketch)| Some((column, constant(sketch)?)));
    let constant: Vec<(&String, String)> = constant.collect();
    html! {
        div.grid { @for card in cards { (card) } }
        @if !constant.is_empty() {
            h3 { "Measures that are the same for all" }
            p { @for (column, value) in &constant { code { (column) } " " (visible(value)) "; " } }
        }
    }
}

/// The one value that all rows have.
fn constant(sketch: &Sketch) -> Option<String> {
    let numbers = sketch
        .numbers
        .as_ref()
        .filter(|numbers| numbers.min == numbers.max);
    let number = numbers.map(|numbers| number(numbers.min));
    let categories = sketch
        .categories
        .as_ref()
        .filter(|categories| categories.len() == 1);
    let value = number.or_else(|| categories?.keys().next().map(|value| short(value, 40)))?;
    Some(match sketch.nulls {
        0 => value,
        nulls => format!(
            "{value} ({} without a value)",
            percent(nulls, sketch.values + nulls)
        ),
    })
}

fn measure(page: &mut Page, column: &str, sketch: &Sketch) -> Option<Markup> {
    let rows = sketch.values + sketch.nulls;
    let nulls = (sketch.nulls > 0).then(|| format!("{} without a value", percent(sketch.nulls, rows)));
    if constant(sketch).is_some() {
        return None;
    }
    if let Some(numbers) = &sketch.numbers {
        let [low, middle, high] = [0.05, 0.5, 0.95].map(|share| number(numbers.quantile(share)));
        let told = format!("median {middle}, from {low} (5 %) to {high} (95 %)");
        let histogram = Histogram::over(&[numbers])?;
        let chart = page.chart(
            "histogram",
            &format!("{column}: {told}"),
            &histogram.chart(&[(column, numbers)]),
        );
        return Some(html! { div {
            h3 { code { (column) } }
            (chart)
            figcaption { (told) @if let Some(nulls) = &nulls { "; " (nulls) } }
        } });
    }
    // Titles of a few documents are no category.
    let is_category = |categories: &&BTreeMap<String, u64>| {
        categories.len() <= 16 || categories.len() as u64 * 4 < sketch.values
    };
    let categories = sketch.categories.as_ref().filter(is_category)?;
    let mut counts: Vec<(&String, u64)> = categories.iter().map(|(value, rows)| (value, *rows)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let most = counts[0].1.max(1);
    let rest = counts.len().saturating_sub(8);
    Some(html! { div {
        h3 { code { (column) } }
        table { tbody { @for (value, rows) in counts.iter().take(8) { tr {
            td.key { (visible(&short(value, 40))) }
            td.n { (percent(*rows, sketch.values)) }
            td { span.bar style=(format!("width: {:.1}rem", 8.0 * *rows as f64 / most as f64)) {} }
        } } } }
        figcaption {
            @if rest > 0 { (count(rest as u64, "other value")) }
            @if let Some(nulls) = &nulls { @if rest > 0 { "; " } (nulls) }
        }
    } })
}

fn dedup(page: &mut Page, steps: &[DedupEntry]) -> Markup {
    let cards: Vec<Markup> = steps
        .iter()
        .map(|step| {
            let bars: Vec<(String, f64, String)> = step
                .sizes
                .iter()
                .map(|(from, clusters)| (format!("{from} to {}", 2 * from - 1), *clusters as f64, grouped(*clusters)))
                .collect();
            let chart = (!bars.is_empty()).then(|| page.bars(&format!("{}: clusters by size", step.step), &bars));
            html! { div.card {
                h3 { (visible(&step.step)) }
                p {
                    (count(step.documents, "document")) " compared, " (count(step.clusters, "cluster")) ", "
                    (count(step.duplicates, "document")) " behind the first of their cluster"
                    @if step.compared > 0 { "; " (count(step.compared, "pair")) " verified, " (percent(step.failed, step.compared)) " of them not similar enough" }
                    @if step.parts > 0 { "; " (count(step.parts, "repeated part")) " (" (bytes(step.part_bytes)) ") taken out" }
                    @if step.known > 0 { "; " (count(step.known, "cluster")) " known from the index" }
                    "."
                }
                @if let Some(chart) = chart { p.quiet { "Clusters by size" } (chart) }
            } }
        })
        .collect();
    html! { @for card in cards { (card) } }
}

fn cost(page: &mut Page, runs: &[Value], manifest: &Manifest) -> Markup {
    let number_of = |run: &Value, name: &str| run[name].as_f64().unwrap_or_default();
    let mut steps: Vec<(String, f64)> = Vec::new();
    for step in runs.iter().filter_map(|run| run["steps"].as_array()).flatten() {
        let name = step["step"].as_str().unwrap_or_default();
        let spent = number_of(step, "cpu_seconds");
        match steps.iter_mut().find(|(known, _)| known == name) {
            Some((_, seconds)) => *seconds += spent,
            None => steps.push((name.to_owned(), spent)),
        }
    }
    let total: f64 = runs.iter().map(|run| number_of(run, "cpu_seconds")).sum();
    let rest = total - steps.iter().map(|(_, seconds)| seconds).sum::<f64>();
    steps.push(("rules, Parquet, hashes, the rest".to_owned(), rest.max(0.0)));
    let note = |seconds: f64| {
        let share = if total > 0.0 { 100.0 * seconds / total } else { 0.0 };
        format!("{} s ({share:.0} %)", number(seconds))
    };
    let bars: Vec<(String, f64, String)> = steps
        .iter()
        .map(|(name, seconds)| (name.clone(), *seconds, note(*seconds)))
        .collect();
    let chart = page.bars("Processor time of each step", &bars);
    let seconds: f64 = runs.iter().map(|run| number_of(run, "seconds")).sum();
    let gigabytes = manifest.input.bytes as f64 / 1e9;
    let mut slowest: Vec<&Value> = runs
        .iter()
        .filter_map(|run| run["slowest_slices"].as_array())
        .flatten()
        .collect();
    slowest.sort_by(|a, b| number_of(b, "seconds").total_cmp(&number_of(a, "seconds")));
    html! {
        p {
            (count(runs.len() as u64, "run")) " took " (number(seconds)) " s and " (number(total)) " s of processor time"
            @if gigabytes > 0.0 { ", " (number(total / gigabytes)) " s for each GB read" }
            ". Codecs in processes of their own are not in it."
        }
        (chart)
        details {
            summary { "Runs and slowest slices" }
            table {
                thead { tr { th { "begun (Unix time, s)" } th.n { "seconds" } th.n { "processor, s" } th.n { "threads" } th.n { "records" } th.n { "read" } } }
                tbody { @for run in runs { tr {
                    td { (format!("{:.0}", number_of(run, "started_unix_ms") / 1000.0)) } td.n { (number(number_of(run, "seconds"))) }
                    td.n { (number(number_of(run, "cpu_seconds"))) } td.n { (run["threads"]) }
                    td.n { (grouped(run["records_read"].as_u64().unwrap_or_default())) } td.n { (bytes(run["bytes_read"].as_u64().unwrap_or_default())) }
                } } }
            }
            div.scroll { table {
                thead { tr { th.n { "slice" } th { "begins with" } th.n { "seconds" } th.n { "rows" } th.n { "stored" } } }
                tbody { @for slice in slowest.iter().take(20) { tr {
                    td.n { (slice["slice"]) } td.key { (visible(slice["object"].as_str().unwrap_or("staged rows"))) }
                    td.n { (number(number_of(slice, "seconds"))) } td.n { (grouped(slice["rows"].as_u64().unwrap_or_default())) }
                    td.n { (bytes(slice["bytes"].as_u64().unwrap_or_default())) }
                } } }
            } }
        }
    }
}

fn name(id: &str, url: Option<&str>) -> Markup {
    html! { h3 { @if let Some(url) = url { (visible(&short(url, 160))) " " } code.quiet { (visible(id)) } } }
}

fn kept(rows: &[Shown]) -> Markup {
    let (media, texts): (Vec<&Shown>, Vec<&Shown>) = rows.iter().partition(|row| row.medium.is_some());
    html! {
        p { "From several shards, chosen by their place and not by what they are." }
        @if !media.is_empty() {
            ul.gallery { @for row in &media { li {
                @match row.medium.as_ref().expect("these have one") {
                    Medium::Image(data) => img src=(data) alt=(format!("image {}", visible(&row.id))) loading="lazy";,
                    Medium::Audio(data) => audio controls preload="none" src=(data) {},
                    Medium::Video(data) => img src=(data) alt=(format!("first picture of video {}", visible(&row.id))) loading="lazy";,
                }
                @if let Some(text) = &row.text { span { (visible(&short(text, 120))) } }
                span { code { (visible(&row.id)) } }
                @if let Some(url) = &row.url { span { (visible(&short(url, 90))) } }
                details { summary { "measures" } @for (name, value) in &row.values { span { (name) " " (visible(value)) } } }
            } } }
        }
        @for row in &texts { div.card {
            (name(&row.id, row.url.as_deref()))
            @if let Some(text) = &row.text { div.text dir="auto" tabindex="0" { (visible(text)) } }
            details { summary { "measures" } table { tbody { @for (name, value) in &row.values {
                tr { td { code { (name) } } td.key { (visible(value)) } }
            } } } }
        } }
    }
}

fn rejected(rows: &[Rejected]) -> Markup {
    let mut rules: Vec<(&str, &str, Vec<&Rejected>)> = Vec::new();
    for row in rows {
        match rules
            .iter_mut()
            .find(|(step, verdict, _)| (*step, *verdict) == (&row.step, &row.verdict))
        {
            Some((_, _, known)) => known.push(row),
            None => rules.push((&row.step, &row.verdict, vec![row])),
        }
    }
    html! {
        p { "The rule that each left at, what the rule looked at, and how the text began, where it had one." }
        @for (step, verdict, rows) in &rules {
            details {
                summary { code { (visible(verdict)) } " " span.quiet { (visible(step)) } }
                @if let Some(rule) = &rows[0].rule { p { "Must be true: " code { (visible(rule)) } } }
                @for row in rows { div.card {
                    (name(&row.id, row.url.as_deref()))
                    @if let Some(fault) = &row.fault { p.bad { (visible(fault)) } }
                    @if let Some(values) = &row.values { p { code { (visible(values)) } } }
                    @if let Some(preview) = &row.preview { div.text dir="auto" tabindex="0" { (visible(preview)) } }
                } }
            }
        }
    }
}

fn provenance(gathered: &Gathered) -> Markup {
    let manifest = &gathered.manifest;
    let inputs = gathered.plan["inputs"].as_array().map_or(&[][..], Vec::as_slice);
    let recipe = serde_json::to_string_pretty(&gathered.plan["recipe"]).unwrap_or_default();
    let shards: Vec<_> = manifest.shards.values().flatten().collect();
    html! {
        p { "gristmill " (manifest.gristmill) ", recipe " code { (manifest.recipe_blake3) } }
        details { summary { "Recipe, presets expanded" } pre tabindex="0" { (visible(&recipe)) } }
        details { summary { "Versions of formats, extractors, signals and methods" }
            table { tbody { @for (name, version) in &manifest.versions { tr { td { (visible(name)) } td.n { (version) } } } } }
        }
        details { summary { (count(inputs.len() as u64, "object")) " read" } div.scroll { table {
            thead { tr { th { "object" } th.n { "bytes" } } }
            tbody { @for input in inputs.iter().take(200) { tr {
                td.key { (visible(input["uri"].as_str().unwrap_or_default())) } td.n { (grouped(input["bytes"].as_u64().unwrap_or_default())) }
            } } }
        } @if inputs.len() > 200 { p { "and " (grouped(inputs.len() as u64 - 200)) " more, in " code { "_gristmill/plan.json" } } } } }
        details { summary { (count(shards.len() as u64, "shard")) } div.scroll { table {
            thead { tr { th { "file" } th.n { "rows" } th.n { "bytes" } th { "BLAKE3" } } }
            tbody { @for shard in shards.iter().take(200) { tr {
                td.key { (shard.path) } td.n { (grouped(shard.rows)) } td.n { (grouped(shard.bytes)) } td.mono { (short(&shard.blake3, 16)) }
            } } }
        } } }
    }
}
