//! Sentences from word lists, by dice that always fall the same way.

/// A small pseudo-random generator (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of `low..high`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    pub(super) fn pick<'a>(&mut self, words: &'a str) -> &'a str {
        let count = words.split(' ').count() as u64;
        words
            .split(' ')
            .nth(self.between(0, count) as usize)
            .unwrap_or_default()
    }
}

const NOUNS: &str = "harbour garden letter engine bridge captain orchard kettle lantern market meadow mirror museum notebook \
                     painter platform printer quarry railway recipe river roof sailor school season shelf signal station stone \
                     storm street teacher theatre tower train valley village violin wagon wall weather window winter workshop";
const ADJECTIVES: &str = "ancient bitter bright broken careful cheerful cold crowded distant early empty familiar famous \
                          generous gentle green heavy hidden honest late little local modest narrow northern old patient plain \
                          proud quiet rare red rough silent simple slow small steady strange sudden sweet tall tidy warm weary wide";
const VERBS: &str = "admired bought built carried changed cleaned climbed collected crossed described discovered drew followed \
                     found helped inspected kept lifted measured mended moved noticed opened painted passed placed planted \
                     praised prepared recorded remembered repaired replaced searched sketched studied tended visited watched";
const PLACES: &str = "behind beside beyond near under above across along around inside";
const REASONS: &str = "because although while since until after before unless whenever though";
const TIMES: &str = "Yesterday Later Sometimes Afterwards Meanwhile Eventually Usually Once Recently Now";

const GERMAN_NOUNS: &str =
    "Garten Hafen Brief Lampe Markt Spiegel Maler Fluss Schule Turm Wagen Mauer Fenster Winter Bahnhof";
const GERMAN_VERBS: &str =
    "baute fand kaufte malte putzte suchte trug verkaufte besuchte beschrieb reparierte zeichnete";

/// An English sentence.
pub(super) fn sentence(dice: &mut Dice) -> String {
    let thing = |dice: &mut Dice| format!("the {} {}", dice.pick(ADJECTIVES), dice.pick(NOUNS));
    let (a, b, c, d) = (thing(dice), thing(dice), thing(dice), thing(dice));
    let (v, w) = (dice.pick(VERBS), dice.pick(VERBS));
    let (place, reason, time) = (dice.pick(PLACES), dice.pick(REASONS), dice.pick(TIMES));
    let text = match dice.between(0, 6) {
        0 => format!("{a} {v} {b} {place} {c}."),
        1 => format!("{time}, {a} {v} {b}, and {c} {w} it with {d}."),
        2 => format!("{a} {v} {b} {reason} {c} {w} {d}."),
        3 => format!("to be fair, {a} {v} what {b} {w} {place} {c}."),
        4 => format!("nobody knew that {a} {v} {b} {place} {c}, {reason} {d} {w} nothing of the kind."),
        _ => format!(
            "in {} {a} {v} {} of the {}, but {b} {w} {c}.",
            dice.between(1790, 1990),
            dice.between(3, 90),
            dice.pick(NOUNS)
        ),
    };
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// A paragraph of English.
pub(super) fn paragraph(dice: &mut Dice) -> String {
    let count = dice.between(3, 7);
    (0..count).map(|_| sentence(dice)).collect::<Vec<_>>().join(" ")
}

/// A headline.
pub(super) fn headline(dice: &mut Dice) -> String {
    format!(
        "The {} {} and the {}",
        dice.pick(ADJECTIVES),
        dice.pick(NOUNS),
        dice.pick(NOUNS)
    )
}

/// A paragraph of German.
pub(super) fn german(dice: &mut Dice) -> String {
    let count = dice.between(4, 8);
    let sentence = |dice: &mut Dice| {
        format!(
            "Der alte Mann {} am Morgen den {} und die Frau {} später noch einen {}, weil es für die Kinder nicht genug gab.",
            dice.pick(GERMAN_VERBS),
            dice.pick(GERMAN_NOUNS),
            dice.pick(GERMAN_VERBS),
            dice.pick(GERMAN_NOUNS)
        )
    };
    (0..count).map(|_| sentence(dice)).collect::<Vec<_>>().join(" ")
}
