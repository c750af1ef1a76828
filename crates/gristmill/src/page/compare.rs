//! The page of a comparison of recipes.

use gristmill_engine::RuleCost;
use gristmill_shard::Sketches;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{Histogram, Page, number, percent, short, visible};
use crate::{
    command::{bytes, grouped, interval_json},
    compare::{Interval, Ladder, Metric, Overlap},
};

/// Everything that a comparison tells.
pub(crate) struct Comparison {
    /// Documents that all recipes judged.
    pub(crate) documents: u64,
    pub(crate) input_bytes: u64,
    pub(crate) compared: Vec<Compared>,
    /// Overlaps by first and second recipe.
    pub(crate) jaccard: Vec<Vec<Overlap>>,
    /// The share of the documents that only the first recipe keeps of which the second keeps a near-duplicate.
    pub(crate) near: Vec<Vec<Option<f64>>>,
    /// What all documents look like.
    pub(crate) before: Sketches,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) differences: Vec<Difference>,
    /// Recipes whose sample is too small to measure anything in it.
    pub(crate) silent: Vec<String>,
    /// Bytes of each recipe in each fold; none where the sample is too small.
    pub(crate) fold_bytes: Option<usize>,
    pub(crate) has_targets: bool,
    pub(crate) controls: Option<Controls>,
    /// Id, text, and which of the first two recipes keeps it.
    pub(crate) disagreements: Vec<(String, String, usize)>,
    pub(crate) sweep: Option<Sweep>,
    pub(crate) seed: u64,
}

/// A recipe.
pub(crate) struct Compared {
    pub(crate) name: String,
    pub(crate) kept: u64,
    pub(crate) bytes: u64,
    /// Estimated from the sample.
    pub(crate) tokens: Option<u64>,
    pub(crate) rules: Vec<RuleCost>,
    /// Kept documents by host, the most frequent first.
    pub(crate) hosts: Vec<(String, u64)>,
    pub(crate) after: Sketches,
    /// Processor seconds by signal and edit, as a run of it alone would spend them.
    pub(crate) cpu: Vec<(String, f64)>,
}

/// A metric's difference between two recipes; positive where the first is better, or higher.
pub(crate) struct Difference {
    pub(crate) metric: String,
    pub(crate) has_better: bool,
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) interval: Interval,
}

/// What the controls say of each metric, and their values.
pub(crate) struct Controls {
    pub(crate) ladders: Vec<(String, Ladder)>,
    pub(crate) values: Vec<(String, Vec<(String, f64)>)>,
}

/// A rule with several values.
pub(crate) struct Sweep {
    pub(crate) rule: String,
    /// The value, and the share of the documents that is kept.
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) metrics: Vec<(String, f64, Interval)>,
}

/// Whether a metric can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It orders the controls.
    Passed,
    /// It does not.
    Failed,
    /// Nothing was asked of it.
    Unknown,
}

impl Comparison {
    /// Whether the controls let a metric speak.
    pub(crate) fn trust(&self, metric: &str) -> Trust {
        let ladders = self.controls.iter().flat_map(|controls| &controls.ladders);
        let mut own = ladders.filter(|(name, _)| name == metric);
        match own.next() {
            Some((_, ladder)) if ladder.passes() => Trust::Passed,
            Some(_) => Trust::Failed,
            None => Trust::Unknown,
        }
    }
}

/// A difference in words.
pub(crate) fn verdict(difference: &Difference, trust: Trust) -> String {
    let Interval { mean, low, high } = difference.interval;
    let found = match (
        difference.interval.excludes_zero(),
        difference.has_better,
        mean > 0.0,
    ) {
        _ if trust == Trust::Failed => "not believed: the metric does not order the controls".to_owned(),
        (true, true, _) if trust == Trust::Unknown => {
            "a difference, but the metric was not checked here".to_owned()
        }
        (false, _, _) => "no difference".to_owned(),
        (true, true, true) => format!("{} is better", difference.first),
        (true, true, false) => format!("{} is better", difference.second),
        (true, false, true) => format!("{} is higher", difference.first),
        (true, false, false) => format!("{} is higher", difference.second),
    };
    format!(
        "{}, {} against {}: {found} ({}, 99 % interval {} to {})",
        difference.metric,
        difference.first,
        difference.second,
        number(mean),
        number(low),
        number(high)
    )
}

/// The comparison as JSON.
pub(crate) fn json(comparison: &Comparison) -> Value {
    let recipes = comparison.compared.iter().map(|recipe| {
        let rules = recipe.rules.iter().map(|rule| {
            json!({ "step": rule.step, "rule": rule.name, "dropped": rule.dropped, "alone": rule.alone, "only": rule.only })
        });
        let cpu: f64 = recipe.cpu.iter().map(|(_, seconds)| seconds).sum();
        json!({
            "name": recipe.name, "kept": recipe.kept, "text_bytes": recipe.bytes, "tokens_estimate": recipe.tokens,
            "cpu_seconds": cpu, "rules": rules.collect::<Value>(),
        })
    });
    let names: Vec<&str> = comparison
        .compared
        .iter()
        .map(|recipe| recipe.name.as_str())
        .collect();
    let pairs = (0..names.len())
        .flat_map(|a| (a + 1..names.len()).map(move |b| (a, b)))
        .map(|(a, b)| {
            let overlap = comparison.jaccard[a][b];
            json!({
                "first": names[a], "second": names[b], "both": overlap.both, "only_first": overlap.only_first,
                "only_second": overlap.only_second, "jaccard": overlap.jaccard(),
            "only_first_near_share": comparison.near[a][b], "only_second_near_share": comparison.near[b][a],
            })
        });
    let differences = comparison.differences.iter().map(|difference| {
        json!({
            "metric": difference.metric, "first": difference.first, "second": difference.second,
            "difference": interval_json(difference.interval), "is_difference": difference.interval.excludes_zero(),
            "is_believed": comparison.trust(&difference.metric) != Trust::Failed,
        })
    });
    let metrics = comparison.metrics.iter().map(|metric| {
        json!({ "metric": metric.title(), "higher_is_better": metric.is_higher_better, "values": metric.values })
    });
    let ladders = comparison.controls.iter().flat_map(|controls| &controls.ladders);
    let ladders = ladders.map(|(metric, ladder)| {
        json!({ "metric": metric, "right": ladder.right, "pairs": ladder.pairs, "passes": ladder.passes() })
    });
    let controls = comparison.controls.iter().flat_map(|controls| &controls.values);
    let controls = controls.map(|(metric, values)| {
        let values = values.iter().map(|(name, mean)| (name.clone(), json!(mean)));
        json!({ "metric": metric, "means": Value::Object(values.collect()) })
    });
    let sweep = comparison.sweep.as_ref().map(|sweep| {
        let metrics = sweep.metrics.iter().map(|(metric, value, interval)| {
            json!({ "metric": metric, "value": value, "interval": interval_json(*interval) })
        });
        json!({ "rule": sweep.rule, "keep_rates": sweep.points, "metrics": metrics.collect::<Value>() })
    });
    json!({
        "documents": comparison.documents, "recipes": recipes.collect::<Value>(), "pairs": pairs.collect::<Value>(),
        "metrics": metrics.collect::<Value>(), "differences": differences.collect::<Value>(),
        "controls": controls.collect::<Value>(), "ladder": ladders.collect::<Value>(), "sweep": sweep, "seed": comparison.seed,
    })
}

/// The page.
pub(crate) fn compare(comparison: &Comparison) -> String {
    let mut page = Page::new("Comparison of recipes");
    let yields = yields(&mut page, comparison);
    page.section("What each keeps", yields);
    page.section("What each rule costs", rules(comparison));
    page.section("Where they agree", overlap(comparison));
    let proxies = proxies(&mut page, comparison);
    page.section("Proxies", proxies);
    if let Some(controls) = &comparison.controls {
        page.section("Can the proxies be believed?", ladder(controls));
    }
    if let Some(sweep) = &comparison.sweep {
        let sweep = swept(&mut page, sweep);
        page.section("Sweep", sweep);
    }
    let distributions = distributions(&mut page, comparison);
    page.section("Measures before and after", distributions);
    page.section("Hosts", hosts(comparison));
    let cost = cost(&mut page, comparison);
    page.section("Processor time", cost);
    if !comparison.disagreements.is_empty() {
        page.section("Blind sheet", sheet(comparison));
    }
    let intro = html! {
        p { (grouped(comparison.documents)) " documents from " (bytes(comparison.input_bytes)) " of input, measured once, judged by "
            (comparison.compared.len()) " recipes. Every number is of the same documents." }
    };
    page.render(&intro)
}

fn yields(page: &mut Page, comparison: &Comparison) -> Markup {
    let all = comparison.documents;
    let bars: Vec<(String, f64, String)> = comparison
        .compared
        .iter()
        .map(|recipe| (recipe.name.clone(), recipe.kept as f64, percent(recipe.kept, all)))
        .collect();
    let chart = page.bars("Documents that each recipe keeps", &bars);
    html! {
        (chart)
        table {
            thead { tr { th { "recipe" } th.n { "documents" } th.n { "share" } th.n { "text" } th.n { "tokens, about" } th.n { "bytes a document" } } }
            tbody { @for recipe in &comparison.compared { tr {
                td { (visible(&recipe.name)) } td.n { (grouped(recipe.kept)) } td.n { (percent(recipe.kept, all)) } td.n { (bytes(recipe.bytes)) }
                td.n { (recipe.tokens.map(grouped).unwrap_or_default()) } td.n { (grouped(recipe.bytes.checked_div(recipe.kept).unwrap_or(0))) }
            } } }
        }
        p.quiet { "Text is what the recipe would write. Tokens are those of cl100k_base, counted in the sample and scaled by bytes." }
    }
}

fn rules(comparison: &Comparison) -> Markup {
    html! {
        p { "In order: documents that leave at the rule. Alone: documents that it is not true of, whatever the rules before it say. "
            "Won without it: documents that leave because of this rule and no other. A recipe that cannot share signals was run by itself, which "
            "tells the first number alone." }
        @for recipe in &comparison.compared {
            details open[comparison.compared.len() <= 3] {
                summary { (visible(&recipe.name)) }
                div.scroll { table {
                    thead { tr { th { "step" } th { "rule" } th.n { "in order" } th.n { "alone" } th.n { "won without it" } } }
                    tbody { @for rule in recipe.rules.iter().filter(|rule| rule.alone.unwrap_or(rule.dropped) > 0) { tr {
                        td { (visible(&rule.step)) } td { code { (visible(&rule.name)) } } td.n { (grouped(rule.dropped)) }
                        td.n { (known(rule.alone)) } td.n { (known(rule.only)) }
                    } } }
                } }
                @let silent = recipe.rules.iter().filter(|rule| rule.alone.unwrap_or(rule.dropped) == 0).count();
                @if silent > 0 { p.quiet { (silent) " other rules are true of every document." } }
            }
        }
    }
}

/// A number that a recipe that was run does not tell.
fn known(count: Option<u64>) -> String {
    count.map_or_else(|| "–".to_owned(), grouped)
}

fn overlap(comparison: &Comparison) -> Markup {
    let recipes = &comparison.compared;
    html! {
        p { "Jaccard similarity of the sets of kept documents; below it, how many only the recipe of the row keeps, and of how many of these, in the "
            "sample, the recipe of the column keeps a near-duplicate (MinHash, similarity .8)." }
        div.scroll { table {
            thead { tr { th { "" } @for recipe in recipes { th.n { (visible(&recipe.name)) } } } }
            tbody { @for (a, recipe) in recipes.iter().enumerate() { tr {
                th { (visible(&recipe.name)) }
                @for (b, overlap) in comparison.jaccard[a].iter().enumerate() {
                    td.n { @if a == b { "–" } @else { (format!("{:.3}", overlap.jaccard())) br; span.quiet { "+" (grouped(overlap.only_first))
                        @if let Some(near) = comparison.near[a][b] { ", " (format!("{:.0} %", 100.0 * near)) " near" } } } }
                }
            } } }
        } }
    }
}

fn proxies(page: &mut Page, comparison: &Comparison) -> Markup {
    let Some(fold_bytes) = comparison.fold_bytes else {
        return html! { p { "The sample of a recipe is too small to measure anything in it." } };
    };
    let mut titles: Vec<&str> = Vec::new();
    for difference in &comparison.differences {
        if !titles.contains(&difference.metric.as_str()) {
            titles.push(&difference.metric);
        }
    }
    let charts: Vec<Markup> = titles
        .iter()
        .map(|title| {
            let trust = comparison.trust(title);
            let own: Vec<&Difference> = comparison.differences.iter().filter(|difference| difference.metric == **title).collect();
            let points: Vec<Value> = own
                .iter()
                .map(|difference| {
                    let Interval { mean, low, high } = difference.interval;
                    let label = format!("{} − {}", short(&difference.first, 18), short(&difference.second, 18));
                    json!({ "label": visible(&label), "value": mean, "low": low, "high": high })
                })
                .collect();
            let data = json!({ "points": points, "x_label": "difference; right is better for the first, or higher", "zero": true });
            let chart = page.chart("intervals", &format!("{title}: differences of pairs"), &data);
            html! { div.greyed[trust == Trust::Failed] {
                h3 { (visible(title)) }
                @if trust == Trust::Failed { p { "Greyed out: it does not order the controls, so nothing is concluded from it." } }
                (chart)
                ul { @for difference in &own { li { (visible(&verdict(difference, trust))) } } }
            } }
        })
        .collect();
    html! {
        @if !comparison.silent.is_empty() { p { "Too small to say anything: " (visible(&comparison.silent.join(", "))) "." } }
        p { "Each metric is measured in eight folds of the sample on " (bytes(fold_bytes as u64)) " of each recipe; the interval is Student's, "
            "at 99 %, of the eight differences. Where it holds zero, no difference was found. There are " (comparison.differences.len()) " intervals on this "
            "page: of a hundred pairs that are alike, one is expected to be called different." }
        p { "These are proxies. They compare samples with chosen texts, or count what is in them. They do not say what a model trained on the "
            "data can do: not how it follows instructions, not how safe it is, not how it does on texts unlike the targets." }
        @if !comparison.has_targets { p { "No target was given, so nothing is said of what the texts are like, only how many and how varied they are." } }
        @for chart in &charts { (chart) }
    }
}

fn ladder(controls: &Controls) -> Markup {
    html! {
        p { "Samples of known order were measured beside the recipes: what well-known rules keep, random documents, what those rules reject, "
            "shuffled words, short lines. A metric that puts fewer than 80 % of the known pairs in order says nothing here." }
        table {
            thead { tr { th { "metric" } th.n { "pairs in order" } th { "" } } }
            tbody { @for (metric, ladder) in &controls.ladders { tr {
                td { (visible(metric)) } td.n { (ladder.right) " of " (ladder.pairs) }
                td { @if ladder.passes() { span.good { "believed" } } @else { span.bad { "greyed out" } } }
            } } }
        }
        details { summary { "Values of the controls" } @for (metric, values) in &controls.values {
            h3 { (visible(metric)) }
            table { tbody { @for (name, mean) in values { tr { td { (name) } td.n { (number(*mean)) } } } } }
        } }
    }
}

fn swept(page: &mut Page, sweep: &Sweep) -> Markup {
    let points: Vec<Value> = sweep
        .points
        .iter()
        .map(|(x, y)| json!({ "series": "kept", "x": x, "y": y, "low": y, "high": y }))
        .collect();
    let mut charts = vec![page.chart(
        "curves",
        &format!("Share that is kept, by the value of {}", sweep.rule),
        &json!({ "x_label": visible(&sweep.rule), "y_label": "share kept", "points": points }),
    )];
    let mut titles: Vec<&str> = sweep
        .metrics
        .iter()
        .map(|(metric, _, _)| metric.as_str())
        .collect();
    titles.dedup();
    for title in titles {
        let own = sweep.metrics.iter().filter(|(metric, _, _)| metric == title);
        let points: Vec<Value> = own
            .map(|(_, x, interval)| json!({ "series": "", "x": x, "y": interval.mean, "low": interval.low, "high": interval.high }))
            .collect();
        let data = json!({ "x_label": visible(&sweep.rule), "y_label": title, "points": points });
        charts.push(page.chart(
            "curves",
            &format!("{title} by the value of {}", sweep.rule),
            &data,
        ));
    }
    html! {
        p { "The first recipe, with other values in the rule " code { (visible(&sweep.rule)) } "." }
        div.grid { @for chart in &charts { (chart) } }
        table {
            thead { tr { th.n { "value" } th.n { "share kept" } } }
            tbody { @for (x, y) in &sweep.points { tr { td.n { (number(*x)) } td.n { (format!("{:.1} %", 100.0 * y)) } } } }
        }
    }
}

fn distributions(page: &mut Page, comparison: &Comparison) -> Markup {
    // More lines than that cannot be told apart.
    let shown = &comparison.compared[..comparison.compared.len().min(4)];
    let cards: Vec<Markup> = comparison
        .before
        .iter()
        .filter_map(|(column, before)| {
            let before = before.numbers.as_ref().filter(|numbers| numbers.min < numbers.max)?;
            let after = shown.iter().filter_map(|recipe| {
                Some((recipe.name.as_str(), recipe.after.get(column)?.numbers.as_ref()?))
            });
            let series: Vec<_> = std::iter::once(("all", before)).chain(after).collect();
            let numbers: Vec<_> = series.iter().map(|(_, numbers)| *numbers).collect();
            let histogram = Histogram::over(&numbers)?;
            let medians: Vec<String> =
                series.iter().map(|(name, numbers)| format!("{} {}", short(name, 20), number(numbers.quantile(0.5)))).collect();
            let chart = page.chart("histogram", &format!("{column}; medians: {}", medians.join(", ")), &histogram.chart(&series));
            Some(html! { div { h3 { code { (visible(column)) } } (chart) figcaption { "medians: " (visible(&medians.join(", "))) } } })
        })
        .collect();
    let categories = comparison.before.iter().filter_map(|(column, before)| {
        let counts = before
            .categories
            .as_ref()
            .filter(|counts| (2..=64).contains(&counts.len()))?;
        let mut values: Vec<(&String, u64)> = counts.iter().map(|(value, rows)| (value, *rows)).collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        values.truncate(10);
        Some((column, before, values))
    });
    html! {
        p { "Lines: all documents, then " (visible(&shown.iter().map(|recipe| recipe.name.as_str()).collect::<Vec<_>>().join(", "))) ", in this order of colours." }
        div.grid { @for card in &cards { (card) } }
        @for (column, before, values) in categories {
            h3 { code { (visible(column)) } }
            div.scroll { table {
                thead { tr { th { "value" } th.n { "all" } @for recipe in &comparison.compared { th.n { (visible(&recipe.name)) } } } }
                tbody { @for (value, rows) in &values { tr {
                    td.key { (visible(&short(value, 40))) } td.n { (percent(*rows, before.values)) }
                    @for recipe in &comparison.compared {
                        @let share = recipe.after.get(column).and_then(|sketch| sketch.share(value));
                        td.n { @if let Some(share) = share { (format!("{:.1} %", 100.0 * share)) } }
                    }
                } } }
            } }
        }
    }
}

fn hosts(comparison: &Comparison) -> Markup {
    let entropy = |hosts: &[(String, u64)]| -> f64 {
        let all: u64 = hosts.iter().map(|(_, count)| count).sum();
        let shares = hosts.iter().map(|(_, count)| *count as f64 / all.max(1) as f64);
        -shares.map(|share| share * share.log2()).sum::<f64>()
    };
    html! {
        div.scroll { table {
            thead { tr { th { "recipe" } th.n { "hosts" } th.n { "entropy, bits" } th { "most frequent" } } }
            tbody { @for recipe in &comparison.compared { tr {
                td { (visible(&recipe.name)) } td.n { (grouped(recipe.hosts.len() as u64)) } td.n { (number(entropy(&recipe.hosts))) }
                td.key { @for (host, count) in recipe.hosts.iter().take(5) { div { (visible(&short(host, 60))) " " span.quiet { (percent(*count, recipe.kept)) } } } }
            } } }
        } }
    }
}

fn cost(page: &mut Page, comparison: &Comparison) -> Markup {
    if comparison.compared.iter().all(|recipe| recipe.cpu.is_empty()) {
        return html! { p { "The signals were stored already; what they cost is not known here." } };
    }
    let gigabytes = comparison.input_bytes as f64 / 1e9;
    let total = |recipe: &Compared| recipe.cpu.iter().map(|(_, seconds)| seconds).sum::<f64>();
    let bars: Vec<(String, f64, String)> = comparison
        .compared
        .iter()
        .map(|recipe| {
            (
                recipe.name.clone(),
                total(recipe),
                format!("{} s/GB", number(total(recipe) / gigabytes.max(1e-9))),
            )
        })
        .collect();
    let chart = page.bars("Processor seconds of signals and edits of each recipe", &bars);
    html! {
        p { "What the signals and edits of each recipe would take in a run of it alone, by what a document cost here and how many documents reach "
            "the step. Reading and extraction, which all share, are not in it." }
        (chart)
        @for recipe in &comparison.compared { details { summary { (visible(&recipe.name)) }
            table { tbody { @for (step, seconds) in &recipe.cpu { tr { td { (visible(step)) } td.n { (number(*seconds)) " s" } } } } }
        } }
    }
}

fn sheet(comparison: &Comparison) -> Markup {
    let names: Vec<&str> = comparison
        .compared
        .iter()
        .take(2)
        .map(|recipe| recipe.name.as_str())
        .collect();
    html! {
        p { "Documents that only one of " (visible(&names.join(" and "))) " keeps, shuffled. Read them first and decide which you would keep; which recipe "
            "kept each is told below." }
        @for (place, (id, text, _)) in comparison.disagreements.iter().enumerate() { div.card {
            h3 { (place + 1) " " code.quiet { (visible(id)) } }
            div.text dir="auto" tabindex="0" { (visible(&short(text, 2000))) }
        } }
        details { summary { "Which recipe keeps each" } ol { @for (_, _, side) in &comparison.disagreements { li { (visible(names[*side])) } } } }
    }
}
