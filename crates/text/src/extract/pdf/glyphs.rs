//! Glyphs of a page, gathered into runs: pieces of a line without wide gaps.
//!
//! Every direction of writing is turned so that it runs to the right, and lines go down. Between glyphs of a run
//! there is a space where the page has one or leaves a gap of [`WORD_GAP`]. Text that is drawn twice at one place, to
//! look bold or to cast a shadow, counts once.

use std::{collections::HashMap, ops::Range};

use xxhash_rust::xxh3::xxh3_64;

/// A gap that separates words, in ems. Kerning stays below it, justified lines above.
const WORD_GAP: f64 = 0.13;
/// The same between ideographs, which are often set apart.
const IDEOGRAPH_GAP: f64 = 0.6;
/// A gap that ends a run, in ems.
const RUN_GAP: f64 = 0.8;
/// How far a glyph may go back within a run, in ems.
const BACKWARD: f64 = 0.25;
/// How far a baseline may move within a run, in ems.
const BASELINE: f64 = 0.12;
/// How far a glyph goes back to share the place of an accent, in ems.
const ACCENT: f64 = 0.15;
/// How near to each other two glyphs are one that is drawn twice, in ems.
const OVERPRINT: f64 = 0.15;
/// How many runs of the same text are compared.
const COPIES: usize = 8;

/// How a string is written: in which direction and how large, and whether all glyphs are equally wide.
pub(super) struct Style {
    /// Whole degrees, 0 to 359.
    angle: u16,
    cos: f64,
    sin: f64,
    size: f64,
    is_fixed: bool,
}

impl Style {
    /// Along `(x, y)`; slightly slanted lines are straight.
    pub(super) fn new((x, y): (f64, f64), size: f64, is_fixed: bool) -> Self {
        let degrees = y.atan2(x).to_degrees();
        let quarter = (degrees / 90.0).round() * 90.0;
        let degrees = if (degrees - quarter).abs() <= 3.0 {
            quarter
        } else {
            degrees.round()
        };
        let angle = if degrees.is_finite() {
            degrees.rem_euclid(360.0) as u16
        } else {
            0
        };
        let (sin, cos) = f64::from(angle).to_radians().sin_cos();
        Style {
            angle,
            cos,
            sin,
            size,
            is_fixed,
        }
    }
}

/// A piece of a line.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// Where in [`Glyphs::text`].
    pub(super) text: Range<u32>,
    /// Degrees that it was turned by.
    pub(super) angle: u16,
    pub(super) x0: f32,
    pub(super) x1: f32,
    /// The baseline, growing upwards.
    pub(super) y: f32,
    pub(super) size: f32,
    /// Where its first word ends.
    pub(super) first_word: f32,
    /// Whether all of its glyphs are equally wide.
    pub(super) is_fixed: bool,
}

/// The text of a page with its places.
pub(super) struct Glyphs {
    width: f64,
    height: f64,
    pub(super) text: String,
    pub(super) runs: Vec<Run>,
    count: usize,
    open: Option<Open>,
    /// The last runs of each text.
    copies: HashMap<u64, Vec<u32>>,
}

/// The run that is being written.
struct Open {
    run: Run,
    /// Where the pen stands behind its last glyph, and where that began.
    pen: f64,
    last: f64,
    last_text: Range<usize>,
    has_word: bool,
}

impl Glyphs {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Glyphs {
            width,
            height,
            text: String::new(),
            runs: Vec::new(),
            count: 0,
            open: None,
            copies: HashMap::new(),
        }
    }

    /// How many glyphs were drawn.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Adds the glyph at `(x, y)`, which shows `characters` and is `width` wide.
    pub(super) fn push(&mut self, characters: &str, x: f64, y: f64, width: f64, style: &Style) {
        self.count += 1;
        let Style {
            angle,
            cos,
            sin,
            size,
            is_fixed,
        } = *style;
        let is_on_page =
            (-width..=self.width + width).contains(&x) && (-size..=self.height + size).contains(&y);
        if !(is_on_page && size > 0.0 && size.is_finite() && width.is_finite()) {
            return;
        }
        let (u, v) = (x * cos + y * sin, y * cos - x * sin);
        let end = u + width;
        if let Some(open) = &mut self.open {
            let em = size.max(f64::from(open.run.size)).min(size * 1.5);
            let gap = u - open.pen;
            let drift = (v - f64::from(open.run.y)).abs();
            let is_one_line = open.run.angle == angle
                && drift <= BASELINE * em
                && (0.8..=1.25).contains(&(size / f64::from(open.run.size)));
            let is_copy = is_one_line
                && (u - open.last).abs() <= OVERPRINT * em
                && !characters.trim().is_empty()
                && self.text[open.last_text.clone()] == *characters;
            if is_copy {
                return;
            }
            if open.run.angle == angle
                && gap < -ACCENT * em
                && drift <= 0.35 * em
                && let Some(composed) = accented(&self.text[open.last_text.clone()], characters)
            {
                // The accent may stand above the line that it begins.
                if open.last_text.start == open.run.text.start as usize {
                    open.run.y = v as f32;
                }
                self.text.truncate(open.last_text.start);
                self.text.push_str(&composed);
                open.last_text.end = self.text.len();
                open.run.text.end = self.text.len() as u32;
                open.pen = open.pen.max(end);
                open.run.x1 = open.run.x1.max(end as f32);
                return;
            }
            if is_one_line && gap <= RUN_GAP * em && gap >= -BACKWARD * em {
                if characters.chars().all(|character| character == ' ') {
                    // Spaces move the pen; whether they show is up to the next glyph.
                    if !characters.is_empty() {
                        open.has_word = true;
                        if !self.text.ends_with(' ') && self.text.len() > open.run.text.start as usize {
                            self.text.push(' ');
                        }
                    }
                    open.pen = end.max(open.pen);
                    return;
                }
                let is_gap = gap > WORD_GAP * em
                    && (gap > IDEOGRAPH_GAP * em
                        || !characters.starts_with(is_ideograph)
                        || !self.text.ends_with(is_ideograph));
                if is_gap && !self.text.ends_with(' ') {
                    self.text.push(' ');
                    open.has_word = true;
                }
                let start = self.text.len();
                self.text.push_str(characters);
                open.last_text = start..self.text.len();
                open.last = u;
                open.pen = end;
                open.run.x1 = (open.run.x1).max(end as f32);
                open.run.text.end = self.text.len() as u32;
                open.run.is_fixed &= is_fixed;
                if !open.has_word {
                    open.run.first_word = end as f32;
                }
                return;
            }
        }
        self.finish();
        if characters.trim().is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(characters.trim_start());
        self.open = Some(Open {
            run: Run {
                text: start as u32..self.text.len() as u32,
                angle,
                x0: u as f32,
                x1: end as f32,
                y: v as f32,
                size: size as f32,
                first_word: end as f32,
                is_fixed,
            },
            pen: end,
            last: u,
            last_text: start..self.text.len(),
            has_word: false,
        });
    }

    /// Ends the run that is being written.
    pub(super) fn finish(&mut self) {
        let Some(Open { run, .. }) = self.open.take() else {
            return;
        };
        let text = &self.text[run.text.start as usize..run.text.end as usize];
        let copies = self.copies.entry(xxh3_64(text.as_bytes())).or_default();
        let near = OVERPRINT as f32 * run.size;
        let is_copy = copies.iter().rev().take(COPIES).any(|index| {
            let other = &self.runs[*index as usize];
            other.angle == run.angle
                && (other.x0 - run.x0).abs() <= near
                && (other.y - run.y).abs() <= near
                && (other.x1 - run.x1).abs() <= near * 2.0
        });
        if is_copy {
            self.text.truncate(run.text.start as usize);
            return;
        }
        copies.push(self.runs.len() as u32);
        self.runs.push(run);
    }
}

/// An accent and a letter that are drawn over each other, in either order, as one letter.
fn accented(one: &str, other: &str) -> Option<String> {
    let single = |text: &str| {
        text.chars()
            .next()
            .filter(|character| character.len_utf8() == text.len())
    };
    let (one, other) = (single(one)?, single(other)?);
    let (letter, accent) = match (combining(one), combining(other)) {
        (Some(accent), None) => (other, accent),
        (None, Some(accent)) => (one, accent),
        _ => return None,
    };
    let letter = match letter {
        '\u{131}' => 'i',
        '\u{237}' => 'j',
        _ if letter.is_alphabetic() => letter,
        _ => return None,
    };
    let composed = unicode_normalization::char::compose(letter, accent);
    Some(composed.map_or_else(|| String::from_iter([letter, accent]), String::from))
}

/// The combining form of an accent that stands alone.
fn combining(accent: char) -> Option<char> {
    Some(match accent {
        '`' => '\u{300}',
        '\u{b4}' => '\u{301}',
        '^' | '\u{2c6}' => '\u{302}',
        '~' | '\u{2dc}' => '\u{303}',
        '\u{af}' => '\u{304}',
        '\u{2d8}' => '\u{306}',
        '\u{2d9}' => '\u{307}',
        '\u{a8}' => '\u{308}',
        '\u{2da}' => '\u{30a}',
        '\u{2dd}' => '\u{30b}',
        '\u{2c7}' => '\u{30c}',
        '\u{b8}' => '\u{327}',
        '\u{2db}' => '\u{328}',
        _ => return None,
    })
}

/// Whether a character belongs to a script that is written without spaces.
pub(super) fn is_ideograph(character: char) -> bool {
    matches!(
        character,
        '\u{2e80}'..='\u{2fdf}' | '\u{3000}'..='\u{312f}' | '\u{31f0}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(glyphs: &[(&str, f64, f64)], expected: &[&str]) {
        let mut page = Glyphs::new(600.0, 800.0);
        let style = Style::new((1.0, 0.0), 10.0, false);
        for (characters, x, y) in glyphs {
            page.push(characters, *x, *y, 5.0, &style);
        }
        page.finish();
        let texts: Vec<&str> = page
            .runs
            .iter()
            .map(|run| &page.text[run.text.start as usize..run.text.end as usize])
            .collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn gaps_make_words_and_runs() {
        check(
            &[
                ("a", 10.0, 10.0),
                ("b", 15.5, 10.0),
                ("c", 23.0, 10.0),
                ("d", 60.0, 10.0),
            ],
            &["ab c", "d"],
        );
    }

    #[test]
    fn spaces_count_once() {
        check(
            &[
                ("a", 10.0, 10.0),
                (" ", 15.0, 10.0),
                (" ", 20.0, 10.0),
                ("b", 27.0, 10.0),
                (" ", 32.0, 10.0),
            ],
            &["a b"],
        );
    }

    #[test]
    fn what_is_drawn_twice_counts_once() {
        check(
            &[
                ("a", 10.0, 10.0),
                ("a", 10.4, 10.0),
                ("b", 15.0, 10.0),
                ("b", 15.4, 10.0),
            ],
            &["ab"],
        );
        check(
            &[
                ("a", 10.0, 10.0),
                ("b", 15.0, 10.0),
                ("a", 10.5, 9.5),
                ("b", 15.5, 9.5),
                ("c", 10.0, 30.0),
            ],
            &["ab", "c"],
        );
    }

    #[test]
    fn accents_over_letters_are_one_letter() {
        check(
            &[
                ("b", 5.0, 10.0),
                ("\u{b4}", 10.0, 10.0),
                ("e", 10.2, 10.0),
                ("a", 15.2, 10.0),
            ],
            &["b\u{e9}a"],
        );
        check(&[("u", 10.0, 10.0), ("\u{a8}", 10.2, 10.0)], &["\u{fc}"]);
        check(
            &[("\u{a8}", 10.0, 12.0), ("\u{131}", 10.2, 10.0), ("~", 15.2, 10.0)],
            &["\u{ef}~"],
        );
    }

    #[test]
    fn outside_of_the_page_is_nothing() {
        check(
            &[
                ("a", -50.0, 10.0),
                ("b", 10.0, 900.0),
                ("c", f64::NAN, 10.0),
                ("d", 10.0, 10.0),
            ],
            &["d"],
        );
    }

    #[test]
    fn nearly_straight_is_straight() {
        assert_eq!(Style::new((100.0, 2.0), 1.0, false).angle, 0);
        assert_eq!(Style::new((0.0, -1.0), 1.0, false).angle, 270);
        assert_eq!(Style::new((1.0, 1.0), 1.0, false).angle, 45);
    }
}
