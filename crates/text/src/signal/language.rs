//! The language of a text.
//!
//! `text_language` is an ISO 639-1 code where there is one (`en`, `zh`), else ISO 639-3; `text_language_score`
//! (0 to 1) is how sure that is, so that the usual `text_language = 'en' AND text_language_score >= 0.65` keeps
//! English prose and drops gibberish and mixtures.
//!
//! Exact definition: a text of up to 1,600 bytes is judged whole, a longer one by four pieces of 400 bytes that
//! lie evenly over it, from word to word. `whatlang` (trigrams and alphabets, 69 languages, its model is part
//! of the program) names the language of each piece and its confidence. The language with the largest sum of
//! confidence counts, the alphabetically first of equals; the score is that sum divided by the number of pieces:
//! a page of which half is in another language scores about one half. A text without letters has null for the
//! language and 0 for the score.
//!
//! Why this model: on 5,400 texts of 20 to 200 words in 82 languages (`benches/RESULTS.md`) it is right on 97.4 to 99.9 % of
//! the 41 widespread ones, as often as `lid.176.ftz`, `langid-rs` 1.1 and `lingua`, and calls nothing else English
//! with a score above 0.65. `whichlang` 0.1 knows 16 languages and gives no score; the scores of `langid-rs` and `lingua`
//! are near 1 for right and wrong alike; `lingua` takes 15 to 30 times as long and a gigabyte for all its languages;
//! `langram` 0.12 needs a file of models. Short texts are where whatlang is unsure: at 100 characters of English it is
//! right in 93 of 100 cases and often below 0.65.
//!
//! What it does not know (25 of those 82 languages: Albanian, Basque, Irish, Kazakh, Mongolian, Swahili, …) it takes for
//! a neighbour, in half of the cases with a score above 0.65. For these, and for what FineWeb did exactly, give the recipe
//! fastText's model: `models: {lid: {fasttext: lid.176.bin}}` makes `text_lid_label` and `text_lid_score`. On 1,417 pages
//! `text_language = 'en' AND text_language_score > 0.65` and the same of `lid.176.ftz` decide alike in 1,389 cases and keep
//! 1,386 and 1,382. The two scores are not the same quantity; only the rule is comparable.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef,
    builder::{Float64Builder, StringViewBuilder},
    cast::AsArray,
};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};
use whatlang::Lang;

/// Describes [`Language`] to recipes, lists and docs.
pub(crate) static CARD: Card = Card {
    name: "text_language",
    about: "language of the text and how sure that is",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::text(
            "text_language",
            "ISO 639-1 code, else ISO 639-3; null if there are no letters",
        ),
        Column::f64(
            "text_language_score",
            "confidence, 0 to 1; about the share of the text in that language",
        ),
    ],
    source: "whatlang 0.18 (MIT); Cavnar and Trenkle 1994, N-Gram-Based Text Categorization",
    cost: Cost::Moderate,
    version: 1,
};

/// Names the language; see the module.
#[derive(Debug)]
pub(crate) struct Language;

impl Signal for Language {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] Utf8View, [n] Float64`; both null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let texts = inputs[0].as_string_view();
        let mut languages = StringViewBuilder::with_capacity(texts.len());
        let mut scores = Float64Builder::with_capacity(texts.len());
        for text in texts {
            let judged = text.map(judge);
            languages.append_option(judged.and_then(|(language, _)| language).map(code));
            scores.append_option(judged.map(|(_, score)| score));
        }
        Ok(vec![Arc::new(languages.finish()), Arc::new(scores.finish())])
    }
}

/// Pieces of a long text, and how long each is in bytes.
const PIECES: usize = 4;
const PIECE_BYTES: usize = 400;

fn judge(text: &str) -> (Option<Lang>, f64) {
    let mut votes: Vec<(Lang, f64)> = Vec::with_capacity(PIECES);
    let pieces = pieces(text);
    for info in pieces.iter().filter_map(|piece| whatlang::detect(piece)) {
        match votes.iter_mut().find(|(language, _)| *language == info.lang()) {
            Some((_, sum)) => *sum += info.confidence(),
            None => votes.push((info.lang(), info.confidence())),
        }
    }
    let best = votes
        .into_iter()
        .min_by(|(a, one), (b, other)| other.total_cmp(one).then_with(|| a.code().cmp(b.code())));
    best.map_or((None, 0.0), |(language, sum)| {
        (Some(language), sum / pieces.len() as f64)
    })
}

fn pieces(text: &str) -> Vec<&str> {
    if text.len() <= PIECES * PIECE_BYTES {
        return vec![text];
    }
    let gap = (text.len() - PIECE_BYTES) / (PIECES - 1);
    (0..PIECES)
        .map(|piece| {
            let start = text.floor_char_boundary(piece * gap);
            let end = text.floor_char_boundary(start + PIECE_BYTES);
            let piece = &text[start..end];
            // Half a word would be a word of no language; scripts without spaces have no halves.
            let from = piece
                .find(char::is_whitespace)
                .filter(|&at| start > 0 && at < 40)
                .unwrap_or(0);
            let to = piece
                .rfind(char::is_whitespace)
                .filter(|&at| at + 40 > piece.len())
                .unwrap_or(piece.len());
            &piece[from..to]
        })
        .collect()
}

/// The ISO 639-1 code; all languages of this version have one.
fn code(language: Lang) -> &'static str {
    match language {
        Lang::Afr => "af",
        Lang::Aka => "ak",
        Lang::Amh => "am",
        Lang::Ara => "ar",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Ben => "bn",
        Lang::Bul => "bg",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Cmn => "zh",
        Lang::Cym => "cy",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Epo => "eo",
        Lang::Est => "et",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Guj => "gu",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Jav => "jv",
        Lang::Jpn => "ja",
        Lang::Kan => "kn",
        Lang::Kat => "ka",
        Lang::Khm => "km",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Mal => "ml",
        Lang::Mar => "mr",
        Lang::Mkd => "mk",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Nld => "nl",
        Lang::Nob => "nb",
        Lang::Ori => "or",
        Lang::Pan => "pa",
        Lang::Pes => "fa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Sin => "si",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Sna => "sn",
        Lang::Spa => "es",
        Lang::Srp => "sr",
        Lang::Swe => "sv",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Tgl => "tl",
        Lang::Tha => "th",
        Lang::Tuk => "tk",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        Lang::Uzb => "uz",
        Lang::Vie => "vi",
        Lang::Yid => "yi",
        Lang::Zul => "zu",
    }
}

#[cfg(test)]
mod tests {
    use gristmill_core::conformance;

    use super::*;

    const ENGLISH: &str = "All human beings are born free and equal in dignity and rights. They are endowed with \
        reason and conscience and should act towards one another in a spirit of brotherhood. ";
    const GERMAN: &str = "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft \
        und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen. ";

    fn check(text: &str, expected: &str, is_sure: bool) {
        let (language, score) = judge(text);
        assert_eq!(language.map_or("", code), expected, "{text}");
        assert_eq!(score >= 0.65, is_sure, "{score}: {text}");
    }

    #[test]
    fn prose_scores_high() {
        check(ENGLISH, "en", true);
        check(GERMAN, "de", true);
        check(&ENGLISH.repeat(50), "en", true);
        check(
            &"人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。".repeat(40),
            "zh",
            true,
        );
    }

    #[test]
    fn gibberish_and_mixtures_score_low() {
        let (_, score) = judge("asdf jkl qwer uiop zxcv bnm hjkl tyui ghjk vbnm fdsa poiu lkjh");
        assert!(score < 0.5, "{score}");
        let (_, score) = judge(&[ENGLISH.repeat(10), GERMAN.repeat(10)].concat());
        assert!(score < 0.6, "{score}");
    }

    #[test]
    fn a_text_without_letters_has_no_language() {
        for text in ["", "1234 5678", "\n\n", "!?"] {
            check(text, "", false);
        }
    }

    #[test]
    fn it_conforms() {
        conformance::check_cards([&CARD]);
        conformance::check_text_signal(&Language, |_, texts| vec![Arc::new(texts.clone())]);
    }
}
