//! Repeated parts of a page: the cards of a shop, the posts of a forum, the entries of a list.
//!
//! A *record* is a container that holds text and has at least [`LEAST`] siblings of the same tag and classes, itself
//! included; they are its *set*. A block sees the innermost record around it, and the one whose set holds the most
//! words. A *role* is shared by blocks whose containers up to the page have the same tags, or the same tags and
//! classes: the prices of all cards. Whether a role says the same thing again and again tells a button from a price.

use std::collections::{HashMap, HashSet};

use super::blocks::{Page, mix};

/// How many siblings make a set.
const LEAST: f32 = 3.0;

/// The records and roles of a page, with indices into its containers and blocks.
#[derive(Debug)]
pub(super) struct Records {
    /// Of each container.
    pub(super) containers: Vec<Place>,
    pub(super) sets: Vec<Set>,
    /// Of each block: by tags, and by tags and classes.
    pub(super) roles: [Vec<u32>; 2],
    pub(super) role_sums: [Vec<Role>; 2],
}

/// Where a container is.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Place {
    /// The innermost record around it or itself; 0 if there is none.
    pub(super) inner: u32,
    /// The record around it or itself whose set has the most words; 0 if there is none.
    pub(super) largest: u32,
    /// Its own set.
    pub(super) set: u32,
    /// The how manieth of its set it is.
    pub(super) ordinal: f32,
    /// Its first block.
    pub(super) first: u32,
    /// Sums over what it holds.
    pub(super) sum: Sum,
}

/// Siblings of the same tag and classes.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Set {
    pub(super) count: f32,
    pub(super) sum: Sum,
}

/// Blocks of the same role.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Role {
    pub(super) blocks: f32,
    /// Texts that differ.
    pub(super) texts: f32,
    pub(super) words: f32,
    pub(super) bytes: f32,
    pub(super) link_bytes: f32,
    pub(super) first: f32,
}

/// What is added up.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sum {
    pub(super) bytes: f32,
    pub(super) words: f32,
    pub(super) link_bytes: f32,
    pub(super) blocks: f32,
    pub(super) prose: f32,
    pub(super) prices: f32,
    pub(super) dates: f32,
    pub(super) images: f32,
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.bytes += other.bytes;
        self.words += other.words;
        self.link_bytes += other.link_bytes;
        self.blocks += other.blocks;
        self.prose += other.prose;
        self.prices += other.prices;
        self.dates += other.dates;
        self.images += other.images;
    }
}

/// Finds the records and roles of a page; `sums` and `texts` have one entry a block, and equal texts the same number.
pub(super) fn find(page: &Page, sums: &[Sum], texts: &[u32]) -> Records {
    let mut containers = vec![Place::default(); page.containers.len()];
    for (place, container) in containers.iter_mut().zip(&page.containers) {
        place.first = u32::MAX;
        place.sum.images = container.images as f32;
    }
    for (at, (block, sum)) in page.blocks.iter().zip(sums).enumerate() {
        let place = &mut containers[block.container as usize];
        place.sum.add(sum);
        place.first = place.first.min(at as u32);
    }
    for at in (1..containers.len()).rev() {
        let place = containers[at];
        let above = &mut containers[page.containers[at].parent as usize];
        above.sum.add(&place.sum);
        above.first = above.first.min(place.first);
    }
    let mut sets: Vec<Set> = vec![Set::default()];
    let mut known: HashMap<(u32, u32), u32> = HashMap::new();
    for (place, container) in containers.iter_mut().zip(&page.containers).skip(1) {
        if place.sum.words == 0.0 {
            continue;
        }
        let set = *known
            .entry((container.parent, container.signature))
            .or_insert_with(|| {
                sets.push(Set::default());
                sets.len() as u32 - 1
            });
        place.set = set;
        let set = &mut sets[set as usize];
        place.ordinal = set.count;
        set.count += 1.0;
        set.sum.add(&place.sum);
    }
    for at in 1..containers.len() {
        let above = containers[page.containers[at].parent as usize];
        let set = &sets[containers[at].set as usize];
        let is_record = set.count >= LEAST;
        let largest = &sets[containers[above.largest as usize].set as usize];
        let is_largest = is_record && (above.largest == 0 || set.sum.words > largest.sum.words);
        let place = &mut containers[at];
        place.inner = if is_record { at as u32 } else { above.inner };
        place.largest = if is_largest { at as u32 } else { above.largest };
    }
    let by_tags = roles(page, sums, texts, |at| page.containers[at].tag as u32);
    let by_classes = roles(page, sums, texts, |at| page.containers[at].signature);
    Records {
        containers,
        sets,
        roles: [by_tags.0, by_classes.0],
        role_sums: [by_tags.1, by_classes.1],
    }
}

fn roles(page: &Page, sums: &[Sum], texts: &[u32], step: impl Fn(usize) -> u32) -> (Vec<u32>, Vec<Role>) {
    let mut paths = vec![0u32; page.containers.len()];
    for at in 1..paths.len() {
        paths[at] = mix(paths[page.containers[at].parent as usize], step(at));
    }
    let mut known: HashMap<u32, u32> = HashMap::new();
    let mut seen: HashSet<(u32, u32)> = HashSet::new();
    let mut roles: Vec<Role> = Vec::new();
    let numbers = page
        .blocks
        .iter()
        .zip(sums)
        .enumerate()
        .map(|(at, (block, sum))| {
            let number = *known.entry(paths[block.container as usize]).or_insert_with(|| {
                roles.push(Role {
                    first: at as f32,
                    ..Role::default()
                });
                roles.len() as u32 - 1
            });
            let role = &mut roles[number as usize];
            role.blocks += 1.0;
            role.words += sum.words;
            role.bytes += sum.bytes;
            role.link_bytes += sum.link_bytes;
            if seen.insert((number, texts[at])) {
                role.texts += 1.0;
            }
            number
        });
    (numbers.collect(), roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{extract::blocks, html::Document};

    fn find_in(html: &str) -> (Page, Records) {
        let page = blocks::cut(&Document::parse(html, 512, 1 << 20));
        let sums: Vec<Sum> = page
            .blocks
            .iter()
            .map(|block| Sum {
                words: block.text.len() as f32,
                blocks: 1.0,
                ..Sum::default()
            })
            .collect();
        let texts: Vec<u32> = page
            .blocks
            .iter()
            .map(|block| u32::from(page.text.as_bytes()[block.text.start]))
            .collect();
        let records = find(&page, &sums, &texts);
        (page, records)
    }

    #[test]
    fn three_siblings_of_a_class_are_records() {
        let (page, records) =
            find_in("<div><p class=a>x<p class=a>y<p class=a>x<p class=b>z<p class=b>z</div>");
        let sizes: Vec<f32> = page
            .blocks
            .iter()
            .map(|block| {
                let record = records.containers[block.container as usize].inner;
                let set = records.containers[record as usize].set;
                records.sets[set as usize].count
            })
            .collect();
        assert_eq!(sizes, [3.0, 3.0, 3.0, 0.0, 0.0]);
        let ordinals: Vec<f32> = page
            .blocks
            .iter()
            .map(|block| records.containers[block.container as usize].ordinal)
            .collect();
        assert_eq!(ordinals, [0.0, 1.0, 2.0, 0.0, 1.0]);
    }

    #[test]
    fn a_role_knows_how_often_it_says_the_same() {
        let (_, records) = find_in("<div><p class=a>x<p class=a>y<p class=a>x<p class=b>z</div>");
        let [by_tags, by_classes] = &records.role_sums;
        assert_eq!((by_tags[0].blocks, by_tags[0].texts), (4.0, 3.0));
        assert_eq!((by_classes[0].blocks, by_classes[0].texts), (3.0, 2.0));
    }

    #[test]
    fn the_largest_set_counts_beside_the_innermost() {
        let (page, records) =
            find_in("<ul><li>long text<ul><li>a<li>b<li>c</ul><li>long text<li>long text</ul>");
        let place = records.containers[page.blocks[1].container as usize];
        let set = |record: u32| records.sets[records.containers[record as usize].set as usize];
        assert_eq!(set(place.inner).sum.words, 3.0);
        assert!(set(place.largest).sum.words > 27.0);
    }
}
