//! Stop words of many languages: how many different ones a text has.
//!
//! The lists are those of FineWeb-2 (commit d0defb2, `configs/*.yml`), made by its authors from the most frequent words of
//! each language, so that `gopher_quality` can ask for two of them in any language. Like the English ones of
//! [`word_kinds`](super::word_kinds) they are counted distinct and as written: `Der` is none, `der der` is one. Columns
//! are named by ISO 639-3. Left out are languages whose words the rules of [`words`](crate::words) do not find (Chinese,
//! Japanese, Korean, Thai, Vietnamese).
//!
//! Words are those of spaCy's English rules here and those of each language's tokenizer in FineWeb-2. A stop word that
//! another language's rules cut off, `l'` and `d'` before a vowel, is not found within `l'eau`; the lists have enough others.
//! An empty text has none.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use arrow_array::{ArrayRef, builder::UInt32Builder};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    document::{Document, documents},
    words::TEXT_WORDS,
};

macro_rules! languages {
    ($($code:literal, $language:literal: $words:literal;)*) => {
        /// The stop words of each language, at most 32.
        const LISTS: &[&str] = &[$($words),*];
        const OUTPUTS: &[Column] = &[$(Column::u32(
            concat!("text_", $code, "_stop_word_count"),
            concat!("how many of these occur, of ", $language, ": ", $words),
        )),*];
    };
}

languages! {
    "deu", "German": "der und die in von im den des mit das er dem als wurde für";
    "rus", "Russian": "в и на с года по году из был к не от что за для его как а он также до после";
    "spa", "Spanish": "de la en el y a que del los se por un con una las su";
    "fra", "French": "de la le et à en l' des du les est d' un une il dans par au";
    "ita", "Italian": "di e il la in a del che è della un per nel l' con da i una";
    "por", "Portuguese": "de a e o em do da que um no uma com para na é foi";
    "pol", "Polish": "w i na z do się roku od a jest przez po jako oraz o został był nie";
    "nld", "Dutch": "de van in het een en is op voor met door zijn werd hij uit";
    "ind", "Indonesian": "dan yang di pada dari ini dengan adalah untuk dalam";
    "fas", "Persian": "در و ، به از که است این را با یک";
    "arb", "Standard Arabic": "، في من على إلى عام أن مع أو هو عن التي كان بين ما كانت هي المتحدة بعد";
    "ukr", "Ukrainian": "у в на і з та до року за що";
    "ell", "Greek": "του και το της η την από ο με τον να που των στην για στο σε είναι τη τα οι";
    "ces", "Czech": "v a se na je z s do";
    "swe", "Swedish": "i och är av en som den med på till att för";
    "hun", "Hungarian": "a az és is egy volt hogy nem meg de magyar első el között";
    "ron", "Romanian": "de în a și din la o cu este un pe fost care al";
    "nob", "Norwegian Bokmål": "i og av som en er til på for ble med den det var han de å fra";
    "dan", "Danish": "i og af en til er den at som på for med det blev var der fra de han et";
    "fin", "Finnish": "ja on oli hän vuonna myös joka se ei sen ovat sekä mutta että tai vuoden kanssa hänen s. jälkeen the";
    "bul", "Bulgarian": "на и в е от за се г. с през да по";
    "hin", "Hindi": "के में है की और से का को एक हैं पर";
    "ben", "Bengali": "এবং ও হয় করে একটি তিনি করা থেকে";
    "heb", "Hebrew": "של את על הוא עם בשנת גם היה היא לאחר לא ידי בין או כי";
    "urd", "Urdu": "کے میں ، کی اور ہے سے کا نے اس پر کو ایک";
    "tam", "Tamil": "மற்றும் ஒரு இந்த ஆம் இது என்ற இவர் உள்ள ஆகும் ஆண்டு அல்லது என்பது முதல் உள்ளது என்று இந்திய மக்கள் ஊராட்சி இல் இருந்து மேலும் பல";
    "cat", "Catalan": "de el la a i d l' en d' que va els per un les una amb es";
    "hrv", "Croatian": "je u i se na su za od s a";
    "srp", "Serbian": "у је и на се од су године да за из са насеље";
    "slk", "Slovak": "v a na sa je z roku s";
    "slv", "Slovenian": "je v in na so se ki za leta z";
    "lit", "Lithuanian": "m ir buvo į nuo iš d su yra lietuvos a iki o kaip kad apie po km";
    "lvs", "Latvian": "un ir no ar gadā gada par bija arī";
    "ekk", "Estonian": "ja on oli ta aastal eesti ka ning et mis kui aasta ei või see oma tema";
    "swh", "Swahili": "ya na wa katika kwa ni la za mwaka";
    "zsm", "Malay": "dan di yang pada dalam dengan untuk ini";
    "fil", "Filipino": "ng sa ang na mga ay at isang noong";
    "isl", "Icelandic": "og í á að sem er var til við en af um hann með";
    "afr", "Afrikaans": "die van in en is n het wat sy op the word";
}

/// Describes [`StopWords`].
pub(crate) static CARD: Card = Card {
    name: "stop_words",
    about: "how many different stop words of each of 39 languages occur",
    inputs: &[columns::TEXT, TEXT_WORDS],
    outputs: OUTPUTS,
    source: "Penedo et al. 2025, arXiv:2506.20920; FineWeb-2 configs; datatrove 0.10.0 gopher_quality_filter.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Counts stop words; see the module.
#[derive(Debug)]
pub(crate) struct StopWords;

impl Signal for StopWords {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> [n] UInt32` for each language; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut counts: Vec<_> = LISTS.iter().map(|_| UInt32Builder::new()).collect();
        for document in documents(inputs) {
            let found = document.map(|document| found(&document));
            for (language, counts) in counts.iter_mut().enumerate() {
                counts.append_option(found.map(|found| found[language].count_ones()));
            }
        }
        Ok(counts
            .iter_mut()
            .map(|counts| Arc::new(counts.finish()) as ArrayRef)
            .collect())
    }
}

/// One bit for each stop word of each language that occurs.
fn found(document: &Document<'_>) -> [u32; LISTS.len()] {
    let table = &*TABLE;
    let mut found = [0; LISTS.len()];
    for word in document.words() {
        for &(language, bit) in table.uses(word) {
            found[usize::from(language)] |= bit;
        }
    }
    found
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        lengths: [0; 256],
        uses: HashMap::new(),
    };
    for (language, list) in LISTS.iter().enumerate() {
        for (place, word) in list.split(' ').enumerate() {
            table.lengths[usize::from(word.as_bytes()[0])] |= 1 << word.len();
            let uses = table.uses.entry(word).or_default();
            uses.push((language as u8, 1 << place));
        }
    }
    table
});

struct Table {
    /// For each first byte, one bit for each length in bytes that stop words with it have. Most words end here.
    lengths: [u64; 256],
    /// The languages of a stop word, each with its bit.
    uses: HashMap<&'static str, Vec<(u8, u32)>>,
}

impl Table {
    fn uses(&self, word: &str) -> &[(u8, u32)] {
        let first = word.as_bytes().first().copied().unwrap_or_default();
        let lengths = self.lengths[usize::from(first)];
        if word.len() >= 64 || lengths >> word.len() & 1 == 0 {
            return &[];
        }
        self.uses.get(word).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{StringViewArray, cast::AsArray, types::UInt32Type};

    use super::*;
    use crate::signal::words::Words;

    fn check(text: &str, language: &str, expected: u32) {
        let text: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
        let words = Words.compute(std::slice::from_ref(&text)).unwrap().remove(0);
        let counts = StopWords.compute(&[text.clone(), words]).unwrap();
        let name = format!("text_{language}_stop_word_count");
        let column = OUTPUTS.iter().position(|output| output.name == name).unwrap();
        let count = counts[column].as_primitive::<UInt32Type>().value(0);
        assert_eq!(count, expected, "{language}: {text:?}");
    }

    #[test]
    fn stop_words_count_distinct_and_as_written() {
        check("Der Bauer und der Müller und der Bäcker.", "deu", 2);
        check("DER DIE DAS", "deu", 0);
        check("", "deu", 0);
    }

    #[test]
    fn every_language_counts_its_own() {
        check("de la casa", "spa", 2);
        check("de la casa", "deu", 0);
        check("мельница на реке и в лесу", "rus", 3);
        check("мельница на реке и в лесу", "bul", 3);
        check("ते और में है।", "hin", 3);
        check("في البيت، من على", "arb", 4);
    }

    #[test]
    fn every_list_fits_its_bits_and_is_found_whole() {
        for (output, list) in OUTPUTS.iter().zip(LISTS) {
            let count = list.split(' ').count();
            assert!(count <= 32, "{}", output.name);
            let mut table = list
                .split(' ')
                .flat_map(|word| TABLE.uses(word).iter().copied())
                .collect::<Vec<_>>();
            let language = LISTS.iter().position(|other| other == list).unwrap();
            table.retain(|(other, _)| usize::from(*other) == language);
            let bits = table.iter().fold(0_u32, |bits, (_, bit)| bits | bit);
            assert_eq!(bits.count_ones() as usize, count, "{}", output.name);
        }
    }
}
