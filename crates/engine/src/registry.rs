//! What recipes can name: the door puts the lists of all rooms together here.

use gristmill_core::{
    Card, Column, Decontaminator, Edit, Extractor, Format, Model, Signal, Splitter, Written, columns,
};
use gristmill_dedup::{CLUSTER_COLUMNS, Method};

use crate::{
    plan::{CONTEXT_COLUMNS, NODE_COLUMNS, PART_COUNT},
    recipe::Preset,
};

/// A kind of documents: a chain of a recipe, and a folder of the output.
#[derive(Clone, Copy)]
pub struct Modality {
    /// The key in recipes, and the folder.
    pub name: &'static str,
    /// What its documents are.
    pub about: &'static str,
    /// What makes them of records.
    pub extractors: &'static [&'static dyn Extractor],
    /// The name of the extractor that reads the records of chains that name none.
    pub implied: &'static str,
}

impl Modality {
    /// The extractor of this name.
    pub(crate) fn extractor(&self, name: &str) -> Option<&'static dyn Extractor> {
        self.extractors
            .iter()
            .copied()
            .find(|extractor| extractor.card().name == name)
    }
}

/// Everything that recipes can name.
#[derive(Clone)]
pub struct Registry {
    /// Formats by name.
    pub formats: &'static [&'static dyn Format],
    /// The format that looks at the bytes first.
    pub auto: &'static dyn Format,
    /// Modalities, in the order of the chains.
    pub modalities: &'static [Modality],
    /// Reads what pages say of the images that they show, into [`columns::PAGE_IMAGES`].
    pub page_images: &'static dyn Extractor,
    /// The key by which an address in a page and the address of a record are the same.
    pub resource_key: fn(&str) -> u128,
    /// Edits.
    pub edits: Vec<&'static dyn Edit>,
    /// What cuts documents into parts.
    pub splitters: Vec<&'static dyn Splitter>,
    /// Edits that replace personal data.
    pub redactions: &'static [&'static dyn Edit],
    /// Signals.
    pub signals: Vec<&'static dyn Signal>,
    /// Kinds of models that become signals.
    pub models: &'static [&'static dyn Model],
    /// What finds evaluation sets.
    pub decontaminator: &'static dyn Decontaminator,
    /// Dedup methods.
    pub methods: &'static [&'static dyn Method],
    /// Presets.
    pub presets: Vec<Preset>,
}

impl Registry {
    /// The format of this name.
    pub fn format(&self, name: &str) -> Option<&'static dyn Format> {
        self.formats
            .iter()
            .copied()
            .find(|format| format.card().name == name)
    }

    /// The extractors of all modalities.
    pub fn extractors(&self) -> impl Iterator<Item = &'static dyn Extractor> {
        let modalities = self.modalities.iter();
        modalities.flat_map(|modality| modality.extractors.iter().copied())
    }

    pub(crate) fn method(&self, name: &str) -> Option<&'static dyn Method> {
        self.methods
            .iter()
            .copied()
            .find(|method| method.card().name == name)
    }

    /// This registry and the signals of a recipe's models.
    pub(crate) fn with_signals(&self, signals: impl Iterator<Item = &'static dyn Signal>) -> Self {
        let mut registry = self.clone();
        registry.signals.extend(signals);
        registry
    }

    /// The signal that gives a column.
    pub(crate) fn signal_of(&self, column: &str) -> Option<&'static dyn Signal> {
        self.signals
            .iter()
            .copied()
            .find(|signal| signal.card().outputs.iter().any(|output| output.name == column))
    }

    /// What makes a column of this name on a document's path, if anything does.
    pub(crate) fn maker(&self, column: &str) -> Option<String> {
        if column.starts_with("__") {
            return Some("the engine".to_owned());
        }
        if let "parent_id" | "part" = column {
            return Some("every extractor".to_owned());
        }
        if column == PART_COUNT.name {
            return Some("every splitter".to_owned());
        }
        if CLUSTER_COLUMNS.iter().any(|known| known.name == column) {
            return Some("every dedup step".to_owned());
        }
        let has = |columns: &[Column]| columns.iter().any(|known| known.name == column);
        if column != columns::TEXT.name && has(&CONTEXT_COLUMNS) {
            return Some("a `context` step".to_owned());
        }
        if column != columns::TEXT.name && has(&NODE_COLUMNS) {
            return Some("a `nodes` step".to_owned());
        }
        // What an edit changes it does not make.
        let made = |card: &Card| has(card.outputs) && !has(card.inputs);
        let (kind, card) = self.cards().into_iter().find(|(_, card)| made(card))?;
        Some(format!("the {kind} {}", card.name))
    }

    /// Whether a column gets into shards without being named. What sources carry along does; signals do not.
    pub(crate) fn is_written_by_default(&self, column: &str) -> bool {
        let cards = self.cards();
        let made = cards.iter().flat_map(|(_, card)| card.outputs);
        let known = columns::RECORD
            .iter()
            .chain(made)
            .find(|known| known.name == column);
        self.signal_of(column).is_none() && known.is_none_or(|known| known.written == Written::ByDefault)
    }

    /// The signal outputs that rules may name.
    pub(crate) fn signal_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.signals
            .iter()
            .flat_map(|signal| signal.card().outputs)
            .filter(|column| !column.is_internal())
    }

    /// Every card but those of formats, in the order of a document's path.
    pub fn cards(&self) -> Vec<(&'static str, &'static Card)> {
        let extractors = self.extractors().map(|extractor| ("extractor", extractor.card()));
        let edits = self.edits.iter().map(|edit| ("edit", edit.card()));
        let splitters = self
            .splitters
            .iter()
            .map(|splitter| ("splitter", splitter.card()));
        let redactions = self.redactions.iter().map(|edit| ("redaction", edit.card()));
        let signals = self.signals.iter().map(|signal| ("signal", signal.card()));
        let decontaminator = [("decontamination", self.decontaminator.card())];
        let methods = self.methods.iter().map(|method| ("dedup method", method.card()));
        extractors
            .chain(edits)
            .chain(splitters)
            .chain(redactions)
            .chain(signals)
            .chain(decontaminator)
            .chain(methods)
            .collect()
    }
}

/// The card of this name in a list of edits.
pub(crate) fn find_edit(edits: &[&'static dyn Edit], name: &str) -> Option<&'static dyn Edit> {
    edits.iter().copied().find(|edit| edit.card().name == name)
}
