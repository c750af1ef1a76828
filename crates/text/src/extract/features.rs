//! What the classifier sees of each block: 286 numbers on the text, its place, what is around it, the record it is
//! part of, how much of it the page says of itself elsewhere, and what the page is.
//!
//! All of them are counts and ratios made with additions, multiplications and divisions, which give the same
//! result on every machine. A walk up from a block is bounded by the depth of the page, so time is linear in the
//! number of blocks.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::{
    about::About,
    blocks::{Block, Page},
    hints::Hint,
    kind, lexicon,
    patterns::{has_date, has_price},
    records::{self, Records},
};
use crate::html::Tag;

/// Numbers of all blocks, one row after the other.
#[derive(Debug, Default)]
pub(crate) struct Features {
    /// `[blocks * width]`
    pub(crate) values: Vec<f32>,
    /// Numbers of one block.
    pub(crate) width: usize,
}

impl Features {
    /// The numbers of one block.
    pub(crate) fn row(&self, block: usize) -> &[f32] {
        &self.values[block * self.width..][..self.width]
    }

    /// The words of a block, of features that [`measure`] made.
    pub(crate) fn words(&self, block: usize) -> f32 {
        self.row(block)[1]
    }
}

/// How many distinct sizes of surroundings are looked at.
const LEVELS: usize = 6;
/// The neighbours that are looked at.
const NEIGHBOURS: [isize; 8] = [-4, -3, -2, -1, 1, 2, 3, 4];

/// What is known of one block's text.
#[derive(Debug, Default, Clone, Copy)]
struct Text {
    bytes: f32,
    words: f32,
    link: f32,
    commas: f32,
    stops: f32,
    ends_sentence: f32,
    digits: f32,
    upper_words: f32,
    caps: f32,
    symbols: f32,
    other_letters: f32,
    prices: f32,
    dates: f32,
}

/// Sums over the blocks below a container.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    bytes: f32,
    words: f32,
    link_bytes: f32,
    blocks: f32,
    sentences: f32,
    prose: f32,
    headings: f32,
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.bytes += other.bytes;
        self.words += other.words;
        self.link_bytes += other.link_bytes;
        self.blocks += other.blocks;
        self.sentences += other.sentences;
        self.prose += other.prose;
        self.headings += other.headings;
    }
}

/// Measures all blocks of a page, and finds its records. `clues` are those of [`kind::clues`].
pub(crate) fn measure(page: &Page, clues: &[u16], about: &About) -> (Features, Records) {
    let texts: Vec<Text> = page.blocks.iter().map(|block| text(page, block)).collect();
    let distinct = distinct_texts(page);
    let records = records::find(page, &texts.iter().map(record_sum).collect::<Vec<_>>(), &distinct);
    let shares: Vec<[f32; 3]> = page
        .blocks
        .iter()
        .map(|block| about.shares(&page.text[block.text.clone()]))
        .collect();
    let titled = most_titled(&texts, &shares);
    let sums = sums(page, &texts);
    let groups = groups(page, &texts);
    let main = main_container(page, &sums);
    let is_main = line_to(page, main);
    let span = main_span(page, &sums, main);
    let first_heading = page.blocks.iter().position(|block| block.tag == Tag::H1);
    let mut copies = vec![0.0; distinct.len()];
    for &text in &distinct {
        copies[text as usize] += 1.0;
    }
    let page_numbers = page_numbers(page, &texts, &sums, main, clues);

    let mut row = Row::default();
    let mut features = Features::default();
    let count = page.blocks.len() as f32;
    let (mut last_heading, mut heading_level) = (None, 0);
    let mut bytes_before = 0.0;
    let mut heading_words = [0.0; 6];
    let mut seen = vec![0.0; distinct.len()];
    for (index, block) in page.blocks.iter().enumerate() {
        row.values.clear();
        own_numbers(&mut row, block, &texts[index]);
        row.add(copies[distinct[index] as usize]);

        let at = index as f32;
        row.add(at);
        row.add(ratio(at, count));
        row.add(count - at);
        row.add(ratio(bytes_before, sums[0].bytes));
        bytes_before += texts[index].bytes;
        row.add(first_heading.map_or(-500.0, |heading| at - heading as f32));
        row.add(last_heading.map_or(500.0, |heading: usize| (index - heading) as f32));
        row.add(heading_level as f32);
        if let Some(level) = block.tag.heading_level() {
            (last_heading, heading_level) = (Some(index), level);
        }
        row.add(at - span.0 as f32);
        row.add(span.1 as f32 - at);

        row.values.extend(block.hints.map(f32::from));
        for offset in NEIGHBOURS {
            neighbour_numbers(&mut row, page, &texts, index, index.checked_add_signed(offset));
        }
        surroundings(&mut row, page, &sums, &is_main, block);
        let group = &groups[&block.signature];
        row.add(group.blocks);
        row.add(ratio(group.words, group.blocks));
        row.add(ratio(group.link_bytes, group.bytes));
        row.add(ratio(group.words, sums[0].words));
        row.add(ratio(group.sentences, group.blocks));
        row.values.extend_from_slice(&page_numbers);
        row.values.extend(shares[index]);
        row.values.extend(about.counts());
        row.add(titled.map_or(-500.0, |titled| at - titled as f32));
        pattern_numbers(&mut row, &page.text[block.text.clone()], &texts[index]);
        record_numbers(&mut row, &records, block, index, &sums[0]);
        row.add(seen[distinct[index] as usize]);
        seen[distinct[index] as usize] += 1.0;
        row.values.extend(heading_words);
        if block.tag.heading_level().is_some() {
            let own = lexicon::weigh_text(&page.text[block.text.clone()]);
            heading_words = [
                own[0],
                own[1],
                own[2],
                own[3],
                texts[index].words,
                texts[index].link,
            ];
        }
        row.add(lexicon::scaled(block.path_weight.0));
        row.add(lexicon::scaled(block.path_weight.1));
        row.values
            .extend(lexicon::weigh_text(&page.text[block.text.clone()]));
        features.width = row.values.len();
        features.values.extend_from_slice(&row.values);
    }
    (features, records)
}

/// The first of the blocks that repeat most of the title.
fn most_titled(texts: &[Text], shares: &[[f32; 3]]) -> Option<usize> {
    let repeated = |at: usize| shares[at][0] * texts[at].words.min(12.0);
    let mut best = None;
    for at in (0..texts.len()).filter(|&at| texts[at].words >= 2.0 && shares[at][0] > 0.0) {
        if best.is_none_or(|best| repeated(at) > repeated(best)) {
            best = Some(at);
        }
    }
    best
}

/// The number of each block's text: equal texts have the same.
fn distinct_texts(page: &Page) -> Vec<u32> {
    let mut known: HashMap<u64, u32> = HashMap::new();
    let numbers = page.blocks.iter().map(|block| {
        let next = known.len() as u32;
        *known
            .entry(xxh3_64(page.text[block.text.clone()].as_bytes()))
            .or_insert(next)
    });
    numbers.collect()
}

fn record_sum(text: &Text) -> records::Sum {
    records::Sum {
        bytes: text.bytes,
        words: text.words,
        link_bytes: text.link * text.bytes,
        blocks: 1.0,
        prose: prose(text),
        prices: text.prices,
        dates: text.dates,
        images: 0.0,
    }
}

fn pattern_numbers(row: &mut Row, source: &str, text: &Text) {
    let bytes = source.as_bytes();
    row.add(text.prices);
    row.add(text.dates);
    row.add(bytes.iter().filter(|&&byte| byte == b'?').count() as f32);
    row.is(memchr::memchr(b'@', bytes).is_some());
    row.is(source.contains("http"));
    row.is(source.contains('©'));
    row.is(bytes.first().is_some_and(u8::is_ascii_lowercase));
    row.is(bytes.first().is_some_and(u8::is_ascii_digit));
    row.is(bytes.last() == Some(&b':'));
    row.add(ratio(text.words, text.stops + 1.0));
}

fn record_numbers(row: &mut Row, records: &Records, block: &Block, index: usize, whole: &Sum) {
    let place = &records.containers[block.container as usize];
    for record in [place.inner, place.largest] {
        let at = &records.containers[record as usize];
        let set = &records.sets[at.set as usize];
        row.add(set.count);
        row.add(at.ordinal);
        row.add(at.sum.words);
        row.add(at.sum.blocks);
        row.add(index as f32 - at.first as f32);
        row.add(ratio(set.sum.words, set.count));
        row.add(ratio(set.sum.words, whole.words));
        row.add(ratio(set.sum.link_bytes, set.sum.bytes));
        row.add(ratio(set.sum.prose, set.sum.words));
        row.add(ratio(set.sum.prices, set.count));
        row.add(ratio(set.sum.dates, set.count));
        row.add(ratio(set.sum.images, set.count));
    }
    for (roles, sums) in records.roles.iter().zip(&records.role_sums) {
        let role = &sums[roles[index] as usize];
        row.add(role.blocks);
        row.add(ratio(role.texts, role.blocks));
        row.add(ratio(role.words, role.blocks));
        row.add(ratio(role.link_bytes, role.bytes));
        row.add(ratio(role.words, whole.words));
        row.add(index as f32 - role.first);
    }
}

#[derive(Default)]
struct Row {
    values: Vec<f32>,
}

impl Row {
    fn add(&mut self, value: f32) {
        self.values.push(value);
    }

    fn is(&mut self, yes: bool) {
        self.add(f32::from(u8::from(yes)));
    }
}

fn ratio(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Tags in the order of how much they look like prose, for one number instead of a yes for each.
fn rank(tag: Tag) -> f32 {
    match tag {
        Tag::P => 9.0,
        Tag::Pre | Tag::Blockquote => 8.0,
        Tag::H1 => 7.5,
        Tag::H2 => 7.0,
        Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6 => 6.5,
        Tag::Dd | Tag::Dt => 6.0,
        Tag::Td | Tag::Th => 5.0,
        Tag::Li => 4.0,
        Tag::Figcaption | Tag::Caption => 3.0,
        Tag::Section | Tag::Article => 2.5,
        Tag::Div | Tag::Body => 2.0,
        Tag::Button | Tag::Form => 0.0,
        _ => 1.0,
    }
}

fn text(page: &Page, block: &Block) -> Text {
    let source = &page.text[block.text.clone()];
    let mut text = Text {
        bytes: source.len() as f32,
        link: ratio(block.link_bytes as f32, source.len() as f32).min(1.0),
        ..Text::default()
    };
    let mut before = b' ';
    for byte in source.bytes() {
        let begins = before == b' ' || before == b'\n';
        match byte {
            b' ' | b'\n' => {}
            b',' | b';' => text.commas += 1.0,
            b'.' | b'!' | b'?' => text.stops += 1.0,
            b'0'..=b'9' => text.digits += 1.0,
            b'A'..=b'Z' => {
                text.caps += 1.0;
                text.upper_words += f32::from(u8::from(begins));
            }
            b'|' | b'$' | b'/' | b'#' | b'@' | b'+' | b'>' | b'<' | b'{' | b'}' | b'=' | b'_' => {
                text.symbols += 1.0;
            }
            0x80.. => text.other_letters += 1.0,
            _ => {}
        }
        if begins && byte != b' ' && byte != b'\n' {
            text.words += 1.0;
        }
        before = byte;
    }
    text.prices = f32::from(u8::from(text.digits > 0.0 && has_price(source)));
    text.dates = f32::from(u8::from(has_date(source)));
    // Scripts without spaces: about six bytes of UTF-8 make a word.
    text.words = text.words.max(ratio(text.other_letters, 12.0));
    let last = source
        .trim_end_matches(['"', '\'', ')', '”', '’', '»'])
        .chars()
        .next_back();
    text.ends_sentence = match last {
        Some('.' | '!' | '?' | '…' | '。' | '！' | '？' | '।' | '؟' | '۔') => 1.0,
        Some(':') => 0.5,
        _ => 0.0,
    };
    text
}

fn own_numbers(row: &mut Row, block: &Block, text: &Text) {
    row.add(text.bytes);
    row.add(text.words);
    row.add(text.link);
    row.add(ratio(text.bytes, text.words));
    row.add(text.commas);
    row.add(text.stops);
    row.add(ratio(text.stops, text.words));
    row.add(text.ends_sentence);
    row.add(ratio(text.digits, text.bytes));
    row.add(ratio(text.upper_words, text.words));
    row.add(ratio(text.caps, text.bytes));
    row.add(text.symbols);
    row.add(ratio(text.other_letters, text.bytes));
    row.add(block.links.into());
    row.add(ratio(block.strong_bytes as f32, text.bytes));
    row.add(block.breaks.into());
    row.add(block.depth.into());
    row.is(block.begins_item);
    row.is(block.cell.1 > 0);
    row.add(rank(block.tag));
    row.add(block.tag.heading_level().unwrap_or(0).into());
}

fn neighbour_numbers(row: &mut Row, page: &Page, texts: &[Text], index: usize, other: Option<usize>) {
    let Some((at, block)) = other.and_then(|at| Some((at, page.blocks.get(at)?))) else {
        row.values.extend([-1.0; 6]);
        return;
    };
    row.add(texts[at].words);
    row.add(texts[at].link);
    row.add(texts[at].ends_sentence);
    row.add(rank(block.tag));
    let here = &page.blocks[index];
    let parent = |block: &Block| page.containers[block.container as usize].parent;
    row.add(if block.container == here.container {
        3.0
    } else if parent(block) == parent(here) {
        2.0
    } else if block.signature == here.signature {
        1.0
    } else {
        0.0
    });
    row.add(f32::from(block.depth) - f32::from(here.depth));
}

/// Numbers of the containers around a block, each with more text than the one before.
fn surroundings(row: &mut Row, page: &Page, sums: &[Sum], is_main: &[bool], block: &Block) {
    let whole = &sums[0];
    let mut at = block.container as usize;
    let mut levels_to_main = 0.0;
    let mut found_main = false;
    let mut seen = 0.0;
    let mut written = 0;
    loop {
        let sum = &sums[at];
        if sum.words > seen {
            seen = sum.words;
            if !found_main && is_main[at] {
                found_main = true;
            }
            if !found_main {
                levels_to_main += 1.0;
            }
            if written < LEVELS {
                written += 1;
                row.add(sum.words);
                row.add(sum.blocks);
                row.add(ratio(sum.link_bytes, sum.bytes));
                row.add(ratio(sum.words, sum.blocks));
                row.add(ratio(sum.prose, sum.words));
                row.add(ratio(sum.words, whole.words));
                row.add(ratio(sum.prose, whole.prose));
                row.add(ratio(sum.headings, sum.blocks));
            }
        }
        if at == 0 {
            break;
        }
        at = page.containers[at].parent as usize;
    }
    for _ in written..LEVELS {
        row.values.extend([-1.0; 8]);
    }
    row.add(levels_to_main);
    row.is(is_main[block.container as usize]);
}

fn sums(page: &Page, texts: &[Text]) -> Vec<Sum> {
    let mut sums = vec![Sum::default(); page.containers.len()];
    for (block, text) in page.blocks.iter().zip(texts) {
        sums[block.container as usize].add(&sum_of(block, text));
    }
    for at in (1..sums.len()).rev() {
        let sum = sums[at];
        sums[page.containers[at].parent as usize].add(&sum);
    }
    sums
}

/// The words of a text that reads like prose.
fn prose(text: &Text) -> f32 {
    let is_prose = text.words >= 10.0 && text.link < 0.4 && (text.ends_sentence > 0.0 || text.words >= 30.0);
    if is_prose { text.words } else { 0.0 }
}

fn sum_of(block: &Block, text: &Text) -> Sum {
    Sum {
        bytes: text.bytes,
        words: text.words,
        link_bytes: (block.link_bytes as f32).min(text.bytes),
        blocks: 1.0,
        sentences: text.ends_sentence,
        prose: prose(text),
        headings: f32::from(u8::from(block.tag.heading_level().is_some())),
    }
}

fn groups(page: &Page, texts: &[Text]) -> HashMap<u32, Sum> {
    let mut groups: HashMap<u32, Sum> = HashMap::new();
    for (block, text) in page.blocks.iter().zip(texts) {
        groups
            .entry(block.signature)
            .or_default()
            .add(&sum_of(block, text));
    }
    groups
}

/// The smallest container that holds three fifths of the prose on the way down from the page.
fn main_container(page: &Page, sums: &[Sum]) -> usize {
    let enough = sums[0].prose * 0.6;
    if enough == 0.0 {
        return 0;
    }
    // Parents come before children, and at most one child of the best so far can hold that much.
    let mut best = 0;
    for (at, container) in page.containers.iter().enumerate().skip(1) {
        if container.parent as usize == best && sums[at].prose >= enough {
            best = at;
        }
    }
    best
}

/// The containers from the page down to `main`, one answer a container.
fn line_to(page: &Page, main: usize) -> Vec<bool> {
    let mut is_on_line = vec![false; page.containers.len()];
    is_on_line[0] = true;
    let mut at = main;
    while at != 0 {
        is_on_line[at] = true;
        at = page.containers[at].parent as usize;
    }
    is_on_line
}

/// The first block of the main container and the one after its last.
fn main_span(page: &Page, sums: &[Sum], main: usize) -> (usize, usize) {
    // The containers below `main` follow it; the first that does not ends them.
    let mut inside = vec![false; page.containers.len()];
    inside[main] = true;
    for at in main + 1..page.containers.len() {
        inside[at] = inside[page.containers[at].parent as usize];
    }
    let first = page
        .blocks
        .iter()
        .position(|block| inside[block.container as usize])
        .unwrap_or(0);
    (first, first + sums[main].blocks as usize)
}

fn page_numbers(page: &Page, texts: &[Text], sums: &[Sum], main: usize, clues: &[u16]) -> Vec<f32> {
    let whole = &sums[0];
    let elements = &page.elements;
    let mut row = Row::default();
    row.add(whole.words);
    row.add(whole.blocks);
    row.add(ratio(whole.link_bytes, whole.bytes));
    row.add(whole.prose);
    row.add(ratio(whole.prose, whole.words));
    row.add(ratio(whole.words, whole.blocks));
    row.add(whole.headings);
    row.add(sums[main].words);
    row.add(ratio(sums[main].words, whole.words));
    row.add(ratio(sums[main].prose, whole.prose));
    row.add(texts.iter().filter(|text| text.words >= 20.0).count() as f32);
    row.add(texts.iter().map(|text| text.words).fold(0.0, f32::max));
    for count in [
        elements.articles,
        elements.forms,
        elements.inputs,
        elements.images,
        elements.tables,
        elements.scripts,
        elements.links,
        elements.elements,
    ] {
        row.add(count as f32);
    }
    for hint in [
        Hint::Comment,
        Hint::Forum,
        Hint::Product,
        Hint::Review,
        Hint::Card,
        Hint::Documentation,
    ] {
        row.add(ratio(
            elements.hints[hint as usize] as f32,
            elements.elements as f32,
        ));
    }
    row.values.extend(clues.iter().map(|&clue| f32::from(clue)));
    debug_assert_eq!(clues.len(), kind::NAMES.len());
    row.values
}
