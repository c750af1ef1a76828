//! Runs of a page to text in reading order.
//!
//! - *Columns.* A region is cut along a gutter that no run crosses, if both sides hold columns of text: at least
//!   three lines of at least six ems on average that fill half of their side. Where no gutter crosses all of a
//!   region, it is cut into bands that share one. What has gutters and no such columns is a table, and is read row by
//!   row, with a tab between its cells.
//! - *Lines.* Runs that overlap in height by half are one line, so that indices stay with their words. Lines whose
//!   letters are mostly written from right to left are turned into the order of reading.
//! - *Paragraphs.* Lines of one size and distance are one block. Two lines are one text if the first word of the second
//!   would not have fit at the end of the first; else the line ends there by intent, and stays. A hyphen at the end
//!   of such a line goes, unless the document has the word with a hyphen elsewhere and never without.
//!
//! Lines of code, in fonts whose glyphs are equally wide, keep their ends, and get the spaces that their places show,
//! unless nearly all of the page is in such fonts.
//!
//! Text that runs in another direction comes behind the upright text of its page, one direction after the other.

use std::collections::{HashMap, HashSet};

use unicode_normalization::char::decompose_compatible;
use unicode_segmentation::UnicodeSegmentation;

use super::glyphs::{Glyphs, Run, is_ideograph};

/// A gap in a line that separates cells, in ems.
const CELL_GAP: f32 = 1.8;
/// The narrowest gutter between columns, in ems.
const GUTTER: f32 = 0.8;
/// How many runs of a line are looked at for whether another one overlaps.
const LINE_RUNS: usize = 64;
/// The deepest nesting of columns and bands.
const DEPTH: usize = 12;

/// The text of a document, as it grows.
#[derive(Default)]
pub(super) struct Text {
    pub(super) text: String,
    /// Where hyphens stand that ended a line.
    hyphens: Vec<usize>,
}

impl Text {
    /// Appends the text of a page.
    pub(super) fn push_page(&mut self, mut page: Glyphs) {
        page.finish();
        // Where nearly all is of one width, that says nothing.
        let fixed: usize = page
            .runs
            .iter()
            .filter(|run| run.is_fixed)
            .map(|run| run.text.len())
            .sum();
        if fixed * 5 > page.text.len() * 4 {
            page.runs.iter_mut().for_each(|run| run.is_fixed = false);
        }
        let mut angles: HashMap<u16, usize> = HashMap::new();
        for run in &page.runs {
            *angles.entry(run.angle).or_default() += run.text.len();
        }
        let mut angles: Vec<(u16, usize)> = angles.into_iter().collect();
        angles.sort_unstable_by_key(|(angle, length)| (*angle != 0, std::cmp::Reverse(*length), *angle));
        for (angle, _) in angles {
            let mut runs: Vec<Run> = page
                .runs
                .iter()
                .filter(|run| run.angle == angle)
                .cloned()
                .collect();
            let mut leaves = Vec::new();
            cut(&mut runs, 0, &mut leaves);
            for leaf in leaves {
                self.push_leaf(leaf, &page.text);
            }
        }
    }

    /// The finished text, with the hyphens of line ends gone where they are no part of the word.
    pub(super) fn finish(mut self) -> String {
        if self.hyphens.is_empty() {
            return self.text;
        }
        let text = std::mem::take(&mut self.text);
        let mut words: HashSet<&str> = HashSet::new();
        let mut compounds: HashMap<&str, usize> = HashMap::new();
        for token in text.split(|c: char| !c.is_alphanumeric() && c != '-') {
            if token.contains('-') {
                *compounds.entry(token).or_default() += 1;
            } else if !token.is_empty() {
                words.insert(token);
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for at in self.hyphens {
            let left = text[..at].rfind(|c: char| !c.is_alphanumeric()).map_or(0, |end| {
                end + text[end..].chars().next().map_or(1, char::len_utf8)
            });
            let right = text[at + 1..]
                .find(|c: char| !c.is_alphanumeric())
                .map_or(text.len(), |end| at + 1 + end);
            let joined = [&text[left..at], &text[at + 1..right]].concat();
            let is_compound = compounds.get(&text[left..right]).is_some_and(|count| *count > 1);
            if words.contains(joined.as_str()) || !is_compound {
                out.push_str(&text[from..at]);
                from = at + 1;
            }
        }
        out.push_str(&text[from..]);
        out
    }

    fn push_leaf(&mut self, runs: &[Run], page: &str) {
        let mut lines = lines(runs, page);
        for code in lines.chunk_by_mut(|one, other| one.is_fixed && other.is_fixed) {
            indent(code);
        }
        let mut start = 0;
        for end in block_ends(&lines) {
            self.push_block(&lines[start..end]);
            start = end;
        }
    }

    /// Appends lines of one size and distance.
    fn push_block(&mut self, lines: &[Line]) {
        let right = lines.iter().map(|line| line.x1).fold(f32::NEG_INFINITY, f32::max);
        let left = lines.iter().map(|line| line.x0).fold(f32::INFINITY, f32::min);
        let full = lines[..lines.len() - 1]
            .iter()
            .filter(|line| right - line.x1 < (3.0 * line.size).min(0.15 * (right - left)))
            .count();
        let is_wide = right - left > 12.0 * lines[0].size;
        let is_even = lines.len() > 2 && is_wide && full * 2 >= lines.len() - 1;
        for (index, line) in lines.iter().enumerate() {
            let before = index.checked_sub(1).map(|index| &lines[index]);
            let is_joined = before.is_some_and(|before| {
                let after = lines.get(index + 1);
                let first_word = line.first_word + 0.25 * line.size;
                // A word that is cut goes on in the next line, wherever that ends.
                let is_cut = before.text.ends_with('-')
                    && line.text.starts_with(char::is_lowercase)
                    && before.text.chars().rev().nth(1).is_some_and(char::is_alphabetic);
                let is_wrapped = is_cut
                    || right - before.x1 < first_word
                        && (is_even || before.x1 - before.x0 > 20.0 * before.size);
                let indent = line.x0 - after.map_or(line.x0, |after| after.x0);
                let begins_paragraph = indent > 0.7 * line.size
                    && after.is_some_and(|after| (before.x0 - after.x0).abs() < 0.3 * line.size);
                let is_code = line.is_fixed && before.is_fixed;
                is_wrapped
                    && !is_code
                    && !begins_paragraph
                    && !line.is_row
                    && !before.is_row
                    && !begins_item(&line.text)
            });
            if is_joined {
                self.join(&line.text);
            } else {
                if !self.text.is_empty() && !self.text.ends_with(['\n', '\u{c}']) {
                    self.text.push('\n');
                }
                match line.text.strip_prefix(BULLETS) {
                    Some(rest) if rest.starts_with([' ', '\t']) && !line.is_fixed => {
                        self.text.push_str("- ");
                        self.text.push_str(rest.trim_start());
                    }
                    _ => self.text.push_str(&line.text),
                }
            }
        }
    }

    /// Goes on in the same line.
    fn join(&mut self, text: &str) {
        let mut last = self.text.chars().rev();
        let end = (last.next().unwrap_or(' '), last.next().unwrap_or(' '));
        let first = text.chars().next().unwrap_or(' ');
        if end.0 == '-' && end.1.is_alphabetic() && first.is_lowercase() {
            self.hyphens.push(self.text.len() - 1);
        } else {
            let are_ideographs = is_ideograph(end.0) && is_ideograph(first);
            let is_compound = end.0 == '-' && end.1.is_alphanumeric();
            if !are_ideographs && !is_compound {
                self.text.push(' ');
            }
        }
        self.text.push_str(text);
    }
}

/// Characters that open the items of lists.
const BULLETS: [char; 10] = [
    '\u{2022}', '\u{25cf}', '\u{25e6}', '\u{25aa}', '\u{25a0}', '\u{2023}', '\u{2219}', '\u{b7}', '\u{25cb}',
    '\u{27a2}',
];

/// Whether a line begins an item: a bullet, a dash, a number with a dot or parenthesis.
fn begins_item(line: &str) -> bool {
    let Some((first, _)) = line.split_once([' ', '\t']) else {
        return false;
    };
    if first.starts_with(BULLETS) || matches!(first, "-" | "\u{2013}" | "*") {
        return true;
    }
    let number = first
        .trim_start_matches(['(', '['])
        .trim_end_matches([')', '.', ']']);
    number.len() < first.len() && number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a run covers in height; a little less than its glyphs, so that tight lines stay apart.
fn height(run: &Run) -> (f32, f32) {
    (run.y - 0.15 * run.size, run.y + 0.65 * run.size)
}

/// Cuts a region into leaves that are read from top to bottom.
fn cut<'a>(runs: &'a mut [Run], depth: usize, leaves: &mut Vec<&'a [Run]>) {
    if runs.len() < 6 || depth > DEPTH {
        leaves.push(runs);
        return;
    }
    let narrowest = GUTTER * middle(runs.iter().map(|run| run.size));
    if let Some(gutter) = gutter(runs, narrowest) {
        runs.sort_by_key(|run| run.x0 > gutter);
        let middle = runs.partition_point(|run| run.x0 <= gutter);
        let (left, right) = runs.split_at_mut(middle);
        cut(left, depth + 1, leaves);
        cut(right, depth + 1, leaves);
        return;
    }
    let ends = groups(runs, narrowest);
    let mut is_columns = Vec::with_capacity(ends.len());
    let mut start = 0;
    for &end in &ends {
        is_columns.push(ends.len() > 1 && gutter(&runs[start..end], narrowest).is_some());
        start = end;
    }
    let mut rest = runs;
    let mut start = 0;
    let mut index = 0;
    while index < ends.len() {
        // Neighbours without columns are one leaf.
        let mut last = index;
        while !is_columns[index] && last + 1 < ends.len() && !is_columns[last + 1] {
            last += 1;
        }
        let (head, tail) = rest.split_at_mut(ends[last] - start);
        if is_columns[index] {
            cut(head, depth + 1, leaves);
        } else {
            leaves.push(head);
        }
        (rest, start, index) = (tail, ends[last], last + 1);
    }
}

/// Sorts runs from top to bottom and groups bands that share gutters, whether of columns or not: where each group ends.
fn groups(runs: &mut [Run], narrowest: f32) -> Vec<usize> {
    runs.sort_by(|one, other| height(other).1.total_cmp(&height(one).1));
    let mut bands = Vec::new();
    let mut bottom = f32::INFINITY;
    for (index, run) in runs.iter().enumerate() {
        let (low, high) = height(run);
        if index > 0 && high < bottom {
            bands.push(index);
            bottom = low;
        }
        bottom = bottom.min(low);
    }
    bands.push(runs.len());
    let mut ends = Vec::new();
    let mut start = 0;
    let mut free: Vec<(f32, f32)> = vec![EVERYWHERE];
    for end in bands {
        let band = gaps(&runs[start..end], narrowest);
        let common = intersect(&free, &band, narrowest);
        let had_gutter = free.len() > 2;
        let has_gutter = band.len() > 2;
        // The margins on both sides are always free.
        if (common.len() <= 2 && had_gutter || !had_gutter && has_gutter && common.len() < band.len())
            && start > 0
        {
            ends.push(start);
            free = band;
        } else {
            free = common;
        }
        start = end;
    }
    ends.push(runs.len());
    ends
}

const EVERYWHERE: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

/// The stretches of at least `narrowest` that no run covers, margins included.
fn gaps(runs: &[Run], narrowest: f32) -> Vec<(f32, f32)> {
    let mut order: Vec<(f32, f32)> = runs.iter().map(|run| (run.x0, run.x1)).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut out = Vec::new();
    let mut right = f32::NEG_INFINITY;
    for (x0, x1) in order {
        if x0 - right >= narrowest {
            out.push((right, x0));
        }
        right = right.max(x1);
    }
    out.push((right, f32::INFINITY));
    out
}

/// Gaps of a line that are followed down the page: a table has tens of columns.
const GAPS: usize = 256;

fn intersect(one: &[(f32, f32)], other: &[(f32, f32)], narrowest: f32) -> Vec<(f32, f32)> {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        let both = (a.0.max(b.0), a.1.min(b.1));
        if both.1 - both.0 >= narrowest && out.len() < GAPS {
            out.push(both);
        }
        if a.1 < b.1 { i += 1 } else { j += 1 }
    }
    out
}

/// The middle of the widest gutter that has columns of text on both sides.
fn gutter(runs: &[Run], narrowest: f32) -> Option<f32> {
    let mut gaps = gaps(runs, narrowest);
    gaps.retain(|gap| gap.0.is_finite() && gap.1.is_finite());
    gaps.sort_by(|one, other| (other.1 - other.0).total_cmp(&(one.1 - one.0)));
    gaps.into_iter()
        .take(8)
        .map(|gap| (gap.0 + gap.1) / 2.0)
        .find(|middle| {
            let (left, right): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.x0 <= *middle);
            is_column(&left) && is_column(&right)
        })
}

/// The middle one of some numbers, 0 if there are none.
fn middle(numbers: impl Iterator<Item = f32>) -> f32 {
    let mut numbers: Vec<f32> = numbers.collect();
    numbers.sort_by(f32::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}

/// Whether runs look like a column of text, or several.
fn is_column(runs: &[&Run]) -> bool {
    let least = |value: fn(&Run) -> f32| runs.iter().map(|run| value(run)).fold(f32::INFINITY, f32::min);
    let most = |value: fn(&Run) -> f32| {
        runs.iter()
            .map(|run| value(run))
            .fold(f32::NEG_INFINITY, f32::max)
    };
    let width = most(|run| run.x1) - least(|run| run.x0);
    let size = runs.iter().map(|run| run.size).sum::<f32>() / runs.len().max(1) as f32;
    let covered: f32 = runs.iter().map(|run| run.x1 - run.x0).sum();
    let mut baselines: Vec<f32> = runs.iter().map(|run| run.y).collect();
    baselines.sort_by(f32::total_cmp);
    let lines = 1 + baselines
        .windows(2)
        .filter(|pair| pair[1] - pair[0] > 0.6 * size)
        .count();
    let mean = covered / lines as f32;
    lines >= 3 && mean >= 6.0 * size && mean >= 0.5 * width
}

/// A line of text.
#[derive(Debug)]
struct Line {
    text: String,
    x0: f32,
    x1: f32,
    y: f32,
    size: f32,
    /// How wide its first word is.
    first_word: f32,
    /// Whether it has cells.
    is_row: bool,
    /// Whether all of its glyphs are equally wide.
    is_fixed: bool,
}

/// Puts the spaces before lines of code that their places show.
fn indent(lines: &mut [Line]) {
    let left = lines.iter().map(|line| line.x0).fold(f32::INFINITY, f32::min);
    for line in lines.iter_mut().filter(|line| line.is_fixed) {
        let advance = (line.x1 - line.x0) / line.text.chars().count().max(1) as f32;
        let spaces = ((line.x0 - left) / advance).round().clamp(0.0, MOST_SPACES);
        line.text.insert_str(0, &" ".repeat(spaces as usize));
    }
}

/// The most spaces in a row of code.
const MOST_SPACES: f32 = 80.0;

/// The lines of a leaf, from top to bottom.
fn lines(runs: &[Run], page: &str) -> Vec<Line> {
    let mut runs: Vec<&Run> = runs.iter().collect();
    runs.sort_by(|one, other| other.y.total_cmp(&one.y).then(one.x0.total_cmp(&other.x0)));
    // Runs of each line, and which of them is the largest.
    let mut gathered: Vec<(Vec<&Run>, &Run)> = Vec::new();
    for run in runs {
        let (low, high) = (run.y - 0.2 * run.size, run.y + 0.7 * run.size);
        // A line reaches at most over the last few: indices come before their line.
        let found = gathered.iter_mut().rev().take(3).find(|(line, main)| {
            let (main_low, main_high) = (main.y - 0.2 * main.size, main.y + 0.7 * main.size);
            let overlap = high.min(main_high) - low.max(main_low);
            // Two small lines beside a large one overlap with it, and not only with it.
            let is_beside =
                |other: &&Run| run.x1.min(other.x1) - run.x0.max(other.x0) < 0.4 * run.size.min(other.size);
            overlap > 0.5 * (high - low).min(main_high - main_low)
                && line.iter().rev().take(LINE_RUNS).all(is_beside)
        });
        match found {
            Some((line, main)) => {
                line.push(run);
                if run.size > main.size * 1.05 {
                    *main = run;
                }
            }
            None => gathered.push((vec![run], run)),
        }
    }
    gathered
        .into_iter()
        .map(|(runs, main)| line(runs, main, page))
        .collect()
}

fn line(mut runs: Vec<&Run>, main: &Run, page: &str) -> Line {
    runs.sort_by(|one, other| one.x0.total_cmp(&other.x0));
    let slice = |run: &Run| &page[run.text.start as usize..run.text.end as usize];
    let mut text = String::new();
    let mut is_row = false;
    let is_fixed = runs.iter().all(|run| run.is_fixed);
    let advance = (main.x1 - main.x0) / slice(main).chars().count().max(1) as f32;
    let mut right = f32::NEG_INFINITY;
    for run in &runs {
        let gap = run.x0 - right;
        if gap.is_finite() {
            if is_fixed {
                let spaces = (gap / advance).round().clamp(0.0, MOST_SPACES);
                text.push_str(&" ".repeat(spaces as usize));
            } else if gap > CELL_GAP * main.size {
                text.push('\t');
                is_row = true;
            } else if gap > 0.13 * main.size {
                let are_ideographs = text.ends_with(is_ideograph) && slice(run).starts_with(is_ideograph);
                if !are_ideographs || gap > 0.6 * main.size {
                    text.push(' ');
                }
            }
        }
        text.push_str(slice(run));
        right = right.max(run.x1);
    }
    if text.chars().any(is_right_to_left) {
        text = plain_forms(&logical(&text));
    }
    let x0 = runs.first().map_or(0.0, |run| run.x0);
    Line {
        text,
        x0,
        x1: right,
        y: main.y,
        size: main.size,
        first_word: runs.first().map_or(0.0, |run| run.first_word - run.x0),
        is_row,
        is_fixed,
    }
}

fn is_right_to_left(character: char) -> bool {
    matches!(
        character,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}

/// Letters for the presentation forms of Arabic and Hebrew, which name a shape and not a letter.
fn plain_forms(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => {
                decompose_compatible(character, |character| out.push(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// From the order on the page, left to right, to the order of reading.
///
/// In a line that is mostly written from right to left all is turned around, and what runs to the right within it
/// (words of other scripts, numbers) turned back; else only the words from right to left are turned, as a group.
fn logical(visual: &str) -> String {
    let rtl = visual.chars().filter(|c| is_right_to_left(*c)).count();
    let ltr = visual
        .chars()
        .filter(|c| c.is_alphabetic() && !is_right_to_left(*c))
        .count();
    let is_turned = rtl >= ltr;
    let graphemes: Vec<&str> = visual.graphemes(true).collect();
    let kinds: Vec<Kind> = graphemes.iter().map(|grapheme| Kind::of(grapheme)).collect();
    // What has no direction goes with both neighbours if they agree, else with the line; numbers count as the line.
    let strong = |kind: Kind| match kind {
        Kind::Letter(is_rtl) => Some(is_rtl),
        Kind::Number => Some(is_turned),
        Kind::Neutral => None,
    };
    let mut after = vec![is_turned; kinds.len() + 1];
    for index in (0..kinds.len()).rev() {
        after[index] = strong(kinds[index]).unwrap_or(after[index + 1]);
    }
    let mut before = is_turned;
    let mut parts: Vec<(bool, Vec<&str>)> = Vec::new();
    for (index, grapheme) in graphemes.iter().enumerate() {
        let is_number =
            |index: Option<usize>| index.is_some_and(|index| matches!(kinds.get(index), Some(Kind::Number)));
        let is_within_number = is_number(index.checked_sub(1))
            && is_number(Some(index + 1))
            && matches!(*grapheme, "." | "," | ":" | "/" | "-");
        let is_rtl = match kinds[index] {
            Kind::Letter(is_rtl) => is_rtl,
            Kind::Number => false,
            Kind::Neutral if is_within_number => false,
            Kind::Neutral if before == after[index] => before,
            Kind::Neutral => is_turned,
        };
        before = strong(kinds[index]).unwrap_or(before);
        match parts.last_mut() {
            Some((direction, part)) if *direction == is_rtl => part.push(grapheme),
            _ => parts.push((is_rtl, vec![grapheme])),
        }
    }
    if is_turned {
        parts.reverse();
    }
    let mut out = String::with_capacity(visual.len());
    for (is_rtl, part) in parts {
        if is_rtl {
            out.extend(part.iter().rev().map(|grapheme| mirrored(grapheme)));
        } else {
            out.extend(part);
        }
    }
    out
}

/// How a character takes part in the order of its line.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A letter, written from right to left or not.
    Letter(bool),
    Number,
    Neutral,
}

impl Kind {
    fn of(grapheme: &str) -> Kind {
        let kind = |character: char| {
            if character.is_numeric() {
                Some(Kind::Number)
            } else if is_right_to_left(character) {
                Some(Kind::Letter(true))
            } else {
                character.is_alphabetic().then_some(Kind::Letter(false))
            }
        };
        grapheme.chars().find_map(kind).unwrap_or(Kind::Neutral)
    }
}

/// Brackets look the other way when read from right to left.
fn mirrored(grapheme: &str) -> &str {
    match grapheme {
        "(" => ")",
        ")" => "(",
        "[" => "]",
        "]" => "[",
        "{" => "}",
        "}" => "{",
        "<" => ">",
        ">" => "<",
        "\u{ab}" => "\u{bb}",
        "\u{bb}" => "\u{ab}",
        _ => grapheme,
    }
}

/// Where blocks of lines end: at another size, another distance, or beside each other.
fn block_ends(lines: &[Line]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    let mut distance: Option<f32> = None;
    for index in 1..lines.len() {
        let (before, line) = (&lines[index - 1], &lines[index]);
        let step = before.y - line.y;
        let is_like = (line.size / before.size - 1.0).abs() < 0.12
            && step > 0.5 * line.size
            && step < 2.2 * line.size
            && line.x0 < before.x1
            && before.x0 < line.x1;
        let is_near = distance.is_none_or(|distance| (step - distance).abs() < 0.2 * distance);
        if is_like && is_near {
            distance = distance.or(Some(step));
            continue;
        }
        // Two lines with a wide step were no block, if the next is nearer: a heading and its text.
        if is_like && index - start == 2 && distance.is_some_and(|distance| step < distance) {
            ends.push(index - 1);
            start = index - 1;
            distance = Some(step);
            continue;
        }
        ends.push(index);
        start = index;
        distance = None;
    }
    if !lines.is_empty() {
        ends.push(lines.len());
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::pdf::glyphs::Style;

    /// Lines of 10 point at their places; a letter is half an em wide.
    fn check(pieces: &[(&str, f64, f64)], expected: &str) {
        let mut page = Glyphs::new(600.0, 800.0);
        let style = Style::new((1.0, 0.0), 10.0, false);
        for (text, x, y) in pieces {
            for (index, character) in text.chars().enumerate() {
                page.push(
                    character.encode_utf8(&mut [0; 4]),
                    x + index as f64 * 5.0,
                    *y,
                    5.0,
                    &style,
                );
            }
        }
        let mut text = Text::default();
        text.push_page(page);
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        // Written row by row, below a title that spans both columns.
        let mut pieces = vec![(
            "A title that stands above both of the two columns of it",
            100.0,
            760.0,
        )];
        let left = [
            "one alpha beta gamma delta",
            "two alpha beta gamma delta",
            "end alpha beta gamma delta",
            "last.",
        ];
        let right = [
            "red alpha beta gamma delta",
            "sky alpha beta gamma delta",
            "sun alpha beta gamma delta",
            "over.",
        ];
        for (index, (left, right)) in left.iter().zip(right).enumerate() {
            let y = 700.0 - 12.0 * index as f64;
            pieces.push((left, 50.0, y));
            pieces.push((right, 300.0, y));
        }
        check(
            &pieces,
            "A title that stands above both of the two columns of it\n\
             one alpha beta gamma delta two alpha beta gamma delta end alpha beta gamma delta last.\n\
             red alpha beta gamma delta sky alpha beta gamma delta sun alpha beta gamma delta over.",
        );
    }

    #[test]
    fn tables_are_read_row_by_row() {
        let mut pieces = Vec::new();
        let cells = [
            ["Year", "Sum", "Share"],
            ["1999", "12", "3 %"],
            ["2000", "14", "5 %"],
            ["2001", "15", "6 %"],
        ];
        for (row, cells) in cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                pieces.push((*cell, 50.0 + 100.0 * column as f64, 700.0 - 12.0 * row as f64));
            }
        }
        check(
            &pieces,
            "Year\tSum\tShare\n1999\t12\t3 %\n2000\t14\t5 %\n2001\t15\t6 %",
        );
    }

    #[test]
    fn lines_that_were_wrapped_are_joined() {
        check(
            &[
                (
                    "A paragraph of several lines that are about as long as",
                    50.0,
                    700.0,
                ),
                (
                    "each other, but for the last one, which is a good bit",
                    50.0,
                    688.0,
                ),
                ("shorter.", 50.0, 676.0),
                (
                    "Another paragraph of several lines that are as long as",
                    50.0,
                    664.0,
                ),
                ("each other.", 50.0, 652.0),
            ],
            "A paragraph of several lines that are about as long as each other, but for the last one, which is a good \
             bit shorter.\nAnother paragraph of several lines that are as long as each other.",
        );
        check(
            &[
                ("An address", 50.0, 700.0),
                ("Street 1", 50.0, 688.0),
                ("City", 50.0, 676.0),
            ],
            "An address\nStreet 1\nCity",
        );
    }

    #[test]
    fn hyphens_at_line_ends_go_unless_the_word_has_them() {
        let line = "The words of this line are many, and the last is well-";
        check(
            &[(line, 50.0, 700.0), ("ness of the line.", 50.0, 688.0)],
            "The words of this line are many, and the last is wellness of the line.",
        );
        check(
            &[
                (line, 50.0, 700.0),
                ("known, as well-known words are well-", 50.0, 688.0),
            ],
            "The words of this line are many, and the last is well-known, as well-known words are well-",
        );
    }

    #[test]
    fn items_stay_apart() {
        check(
            &[
                (
                    "\u{2022} An item of a list that is as long as a line of it is",
                    50.0,
                    700.0,
                ),
                ("\u{2022} Another one", 50.0, 688.0),
            ],
            "- An item of a list that is as long as a line of it is\n- Another one",
        );
    }

    #[test]
    fn right_to_left_is_turned_into_the_order_of_reading() {
        assert_eq!(
            logical("\u{5dd}\u{5d5}\u{5dc}\u{5e9}"),
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}"
        );
        assert_eq!(logical("(ab) 12 \u{5d1}\u{5d0} "), " \u{5d0}\u{5d1} 12 (ab)");
        assert_eq!(plain_forms("\u{fefb}"), "\u{644}\u{627}");
        assert_eq!(
            logical("see \u{5d1}\u{5d0} \u{5d3}\u{5d2} here"),
            "see \u{5d2}\u{5d3} \u{5d0}\u{5d1} here"
        );
    }

    #[test]
    fn indices_stay_in_their_line() {
        let mut page = Glyphs::new(600.0, 800.0);
        let (large, small) = (
            Style::new((1.0, 0.0), 10.0, false),
            Style::new((1.0, 0.0), 7.0, false),
        );
        page.push("x", 50.0, 700.0, 5.0, &large);
        page.push("2", 55.0, 703.5, 3.5, &small);
        page.push("y", 61.0, 700.0, 5.0, &large);
        let mut text = Text::default();
        text.push_page(page);
        assert_eq!(text.finish(), "x2 y");
    }

    #[test]
    fn code_keeps_lines_and_indents() {
        let mut page = Glyphs::new(600.0, 800.0);
        let (prose, code) = (
            Style::new((1.0, 0.0), 10.0, false),
            Style::new((1.0, 0.0), 10.0, true),
        );
        let lines = [
            (
                &prose,
                50.0,
                "Prose that is long enough not to be taken for code.",
            ),
            (
                &code,
                70.0,
                "for every line of this code do the following things:",
            ),
            (&code, 90.0, "print(line)"),
            (&code, 70.0, "done"),
        ];
        for (row, (style, x, text)) in lines.into_iter().enumerate() {
            for (index, character) in text.chars().enumerate() {
                let x = x + index as f64 * 5.0;
                page.push(
                    character.encode_utf8(&mut [0; 4]),
                    x,
                    700.0 - 12.0 * row as f64,
                    5.0,
                    style,
                );
            }
        }
        let mut text = Text::default();
        text.push_page(page);
        assert_eq!(
            text.finish(),
            "Prose that is long enough not to be taken for code.\n\
             for every line of this code do the following things:\n    print(line)\ndone"
        );
    }

    #[test]
    fn other_directions_come_last() {
        let mut page = Glyphs::new(600.0, 800.0);
        for (index, character) in ["a", "r", "X"].iter().enumerate() {
            page.push(
                character,
                20.0,
                300.0 + 5.0 * index as f64,
                5.0,
                &Style::new((0.0, 1.0), 10.0, false),
            );
        }
        page.push("b", 50.0, 100.0, 5.0, &Style::new((1.0, 0.0), 10.0, false));
        let mut text = Text::default();
        text.push_page(page);
        assert_eq!(text.finish(), "b\narX");
    }
}
