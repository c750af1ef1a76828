//! The keys of a recipe: name, type and meaning, in one place.
//!
//! The reader, the JSON Schema and the reference page are made from these tables.

/// A key of a mapping in a recipe.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub about: &'static str,
}

/// What may stand at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// A size such as `512MiB`.
    Size,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts, or one text.
    Texts,
    /// A mapping from names to texts.
    TextMap,
    /// A list or mapping that has a table or a reader of its own.
    Own,
}

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        name,
        kind,
        required: false,
        about,
    }
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        name,
        kind,
        required: true,
        about,
    }
}

/// The recipe itself.
pub const RECIPE: &[Key] = &[
    required("recipe", Kind::Number, "version of the recipe language: 1"),
    required("name", Kind::Text, "name of the dataset"),
    key(
        "read",
        Kind::Own,
        "what to read: a list of addresses; may be given with --read",
    ),
    key(
        "models",
        Kind::Own,
        "models by name: files that become signals, whose columns bear that name",
    ),
    key(
        "text",
        Kind::Own,
        "the steps that text documents walk, in this order",
    ),
    key(
        "image",
        Kind::Own,
        "the steps that images walk, in this order; a column `text` beside an image is its caption",
    ),
    key(
        "audio",
        Kind::Own,
        "the steps that sounds walk, in this order; a column `text` beside a sound is its caption",
    ),
    key(
        "video",
        Kind::Own,
        "the steps that videos walk, in this order; a column `text` beside a video is its caption",
    ),
    key(
        "interleaved",
        Kind::Own,
        "the steps that documents of text and images walk, in this order",
    ),
    key("write", Kind::Own, "what to write, and where"),
    key(
        "expect",
        Kind::Own,
        "conditions for publishing: the manifest is written only if they hold",
    ),
];

/// A model: one kind, with the path of its file.
pub const MODEL: &[Key] = &[
    key(
        "fasttext",
        Kind::Text,
        "path of a fastText classifier, .bin or .ftz: columns text_<name>_score and, without a label, text_<name>_label",
    ),
    key(
        "ngram_lm",
        Kind::Text,
        "path of an n-gram language model, KenLM binary or ARPA: column text_<name>_perplexity",
    ),
    key(
        "tokenizer",
        Kind::Text,
        "path of a tokenizer.json of Hugging Face: column text_<name>_token_count",
    ),
    key(
        "label",
        Kind::Text,
        "of fasttext, the label whose probability is the score; the most probable label when absent",
    ),
];

/// An entry of `read`.
pub const READ: &[Key] = &[
    required(
        "uri",
        Kind::Text,
        "path, s3://, gs://, az:// or http(s):// address; *, **, ?, [a-z] and {a,b} match",
    ),
    key(
        "format",
        Kind::Own,
        "format of the objects; found from their bytes when absent",
    ),
    key(
        "content",
        Kind::Text,
        "of tables (JSONL, CSV, Parquet, Arrow): the field that holds the content; `text` when absent",
    ),
    key(
        "media_type",
        Kind::Text,
        "of tables: media type of that content; text/plain when absent, and for media what the bytes say",
    ),
    key(
        "id",
        Kind::Text,
        "of tables: the field that holds the id; made from uri and offset when absent",
    ),
    key("url", Kind::Text, "of tables: the field that holds the url"),
    key(
        "encoding",
        Kind::Word(&["plain", "base64", "path"]),
        "how that field holds the content: as it is, as Base64 or a `data:` URL, or as the path of a file beside; plain when absent",
    ),
    key(
        "caption",
        Kind::Text,
        "the field that holds the caption of an image, which becomes the column `text`",
    ),
    key(
        "columns",
        Kind::TextMap,
        "of tables, and of WebDataset samples: further fields to carry along, with their types (text, bool, i64, u64, f64)",
    ),
    key(
        "slice_bytes",
        Kind::Size,
        "size of a slice, the unit of work, retry and resume; 256MiB when absent",
    ),
    key(
        "record_bytes",
        Kind::Size,
        "largest record, up to 1GiB; larger ones are faults, and each thread may hold several in memory; 64MiB when absent",
    ),
];

/// A step; each has exactly one of these.
pub const STEP: &[Key] = &[
    key(
        "extract",
        Kind::Own,
        "turn records into documents with this extractor; of several, each record is read by the first that accepts its media type",
    ),
    key(
        "keep",
        Kind::Own,
        "named SQL predicates; a row stays if all hold, and leaves under the name of the first that does not",
    ),
    key("use", Kind::Own, "walk the steps of a preset"),
    key("edit", Kind::Own, "change the content with this edit"),
    key(
        "split",
        Kind::Own,
        "cut documents into parts, which are documents of their own and stay; those that were cut leave",
    ),
    key("redact", Kind::Own, "replace personal data of these kinds"),
    key(
        "resolve",
        Kind::Word(&["crawl"]),
        "find the images of interleaved documents among the records of the same crawl, by their address",
    ),
    key(
        "nodes",
        Kind::Own,
        "judge the pieces of interleaved documents by steps of their own, and put what stays into aligned lists",
    ),
    key(
        "context",
        Kind::Word(&["pages"]),
        "give images what the pages of the same crawl that show them say: alternative text as `text`, title, caption, the text around",
    ),
    key(
        "dedup",
        Kind::Own,
        "find copies by one method: keep one document of each cluster, or take out repeated parts",
    ),
    key(
        "decontaminate",
        Kind::Own,
        "find items of evaluation sets, and drop or tag the documents that hold them",
    ),
];

/// A step of nodes.
pub const NODES: &[Key] = &[
    key("text", Kind::Own, "steps (`keep` and `use`) for pieces of text"),
    key(
        "image",
        Kind::Own,
        "steps (`keep` and `use`) for images that the crawl holds",
    ),
];

/// A decontamination step.
pub const DECONTAMINATE: &[Key] = &[
    required("benchmarks", Kind::Own, "the evaluation sets: a list of mappings"),
    key(
        "ngram",
        Kind::Number,
        "words of an n-gram, 1 to 256; 8 when absent",
    ),
    key(
        "keep",
        Kind::Text,
        "the rule of the step, an SQL condition over the columns text_contamination_…; `text_contamination_score < 0.5` when absent",
    ),
];

/// An evaluation set.
pub const BENCHMARK: &[Key] = &[
    required("name", Kind::Text, "name of the set, as reports call it"),
    required(
        "uri",
        Kind::Text,
        "path of its files, JSON lines (also compressed) or Parquet; * stands in the last part",
    ),
    key(
        "question",
        Kind::Text,
        "the field with what is looked for; `question` when absent",
    ),
    key(
        "answer",
        Kind::Text,
        "the field with the answer, which is looked for near the question",
    ),
    key(
        "passage",
        Kind::Text,
        "the field with what the question is about, which is looked for near the question",
    ),
];

/// A dedup step, beside the settings of its method.
pub const DEDUP: &[Key] = &[
    key("column", Kind::Text, "what the method looks at"),
    key(
        "prefer",
        Kind::Text,
        "which copy has rank 0, as in SQL's ORDER BY: `text_char_count DESC, timestamp`; nulls come last, ties are decided by id",
    ),
    key(
        "keep",
        Kind::Text,
        "the rule of the step, an SQL condition; `cluster_rank = 0`, or `text_repeat_share < 1` of methods that take out parts, when absent",
    ),
    key(
        "index",
        Kind::Own,
        "address of an index of earlier runs, to be compared with and added to, or a mapping",
    ),
];

/// `index` of a dedup step.
pub const INDEX: &[Key] = &[
    required("uri", Kind::Text, "address of the index"),
    key(
        "entry",
        Kind::Text,
        "name of the entry that this run adds; made from its plan when absent",
    ),
    key(
        "read",
        Kind::Texts,
        "names of the entries to compare with; all that are there when absent",
    ),
];

/// `write`.
pub const WRITE: &[Key] = &[
    key("uri", Kind::Text, "output address; may be given with --to"),
    key(
        "columns",
        Kind::Texts,
        "columns to write, in this order; provenance, content and the signals of the rules when absent",
    ),
    key(
        "shard_bytes",
        Kind::Size,
        "size of a shard on disk; 512MiB when absent",
    ),
    key(
        "rejects",
        Kind::Word(&["counts", "sample", "all"]),
        "which rejected rows to write: none, the first 100 of each rule and slice, or all; sample when absent",
    ),
];

/// An entry of `expect`.
pub const EXPECT: &[Key] = &[
    required(
        "metric",
        Kind::Text,
        "rows, keep_rate, fault_rate, reject_rate[rule]; of a written column of the kept rows: null_rate[column], mean[column], p50[column] and other percentiles, share[column=value]; beside a baseline: psi[column], jensen_shannon[column], moved (how many measures `gristmill drift` finds to have moved)",
    ),
    key(
        "error_if",
        Kind::Text,
        "comparisons joined by `or`, such as \"< 0.02 or > 0.6\"; the manifest is not written if one is true",
    ),
    key("warn_if", Kind::Text, "the same, but only a warning"),
    key(
        "baseline",
        Kind::Text,
        "the address of an earlier output, for the metrics that compare with one",
    ),
];

/// A preset.
pub const PRESET: &[Key] = &[
    required("preset", Kind::Number, "version of the preset language: 1"),
    required("name", Kind::Text, "its name, as in its file's name"),
    required("about", Kind::Text, "one line for lists"),
    required("source", Kind::Text, "where the rules and thresholds come from"),
    required("steps", Kind::Own, "the steps"),
];
