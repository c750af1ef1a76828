//! A small crawl to try recipes on, made on the spot and the same every time.
//!
//! Two WARC files as a crawler writes them: a warcinfo record, then for each page request, response and metadata,
//! each a gzip member. Among the pages are articles, a German article, menus without content, repetition,
//! placeholder text, copies, old character sets, chunked and compressed transfers; among the responses are
//! a PDF, JSON, style sheets and errors; one record is damaged. Articles show pictures, which were crawled as well: among them
//! are copies, smaller versions, an icon, a banner and one that was cut short. The prose is put together from word
//! lists, and pictures, a voice and a short film of each site are made by dice, so that nothing here belongs to anybody.

mod pages;
mod pictures;
mod prose;
mod recordings;
mod warc;

use std::{fs, io, path::Path};

use pages::Page;
use prose::Dice;
use warc::WarcFile;

/// Sites per file.
const SITES: [[&str; 4]; 2] = [
    [
        "harbour-gazette.example",
        "garden-notes.example",
        "kitchen-almanac.example",
        "old-railways.example",
    ],
    [
        "river-survey.example",
        "night-sky.example",
        "village-hall.example",
        "bookbinders.example",
    ],
];
/// Pages per site.
const PAGES: u64 = 24;
/// Pictures per site.
const PICTURES: u64 = 8;

/// The names of the crawl's files.
pub fn demo_names() -> impl Iterator<Item = String> {
    (0..SITES.len()).map(|number| format!("demo-{number:05}.warc.gz"))
}

/// Writes the crawl's files into a folder.
///
/// # Errors
/// When the folder cannot be written.
pub fn demo_crawl(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, (name, sites)) in demo_names().zip(&SITES).enumerate() {
        let mut file = WarcFile::new(&name);
        for (site_number, site) in sites.iter().enumerate() {
            let seed = (number * 4 + site_number) as u64;
            for page in 0..PAGES {
                let mut dice = Dice::new(seed * 1000 + page);
                file.visit(&Page::on(site, page, &mut dice));
            }
            for picture in 0..PICTURES {
                file.visit(&Page::picture(site, seed, picture));
            }
            file.visit(&Page::sound(site, seed));
            file.visit(&Page::film(site, seed));
        }
        fs::write(folder.join(&name), file.finish())?;
    }
    Ok(())
}
