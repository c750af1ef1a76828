//! Predictions of fastText supervised models, `.bin` and `.ftz`.
//!
//! [`Model::predict`] gives what `predict(text, k, threshold)` of the reference implementation gives, from the same
//! file: the labels of a text with their probabilities. Models of version 12 and 11 are read, with softmax, negative
//! sampling, one-vs-all and hierarchical softmax, with dense or quantised matrices and with pruned dictionaries. Models
//! that are not supervised (`cbow`, `skipgram`) have no labels and are an error.
//!
//! Exact definition. Words are the runs of bytes between white space (space, `\t`, `\v`, `\f`, `\r`, `\n` and `\0`);
//! the word `</s>` follows the last one, and a `</s>` in the text ends it. A word that begins with `__label__` and is
//! not in the dictionary, or is a label there, is skipped. Each other word adds rows of the input matrix: its own, if
//! the dictionary has it, and those of its character n-grams (`minn` to `maxn` characters of `<word>`) by hash; then
//! each 2 to `wordNgrams` neighbouring words add one by hash. The mean of the rows times the output matrix is one
//! number a label. Softmax makes probabilities of them; negative sampling and one-vs-all take the sigmoid of each,
//! from the reference's table of 513 values for -8 to 8 (so that a probability is a step of up to 0.008 wide);
//! hierarchical softmax multiplies sigmoids along the label's path in the Huffman tree of the label counts. Labels whose
//! probability is less than `threshold` are left out, the best `k` others stay. What is given for a probability `p` is
//! `exp(ln(p + 0.00001))` in single precision, which can exceed 1 by 0.00001.
//!
//! **Newlines.** A newline ends a line in the reference's command line, and its Python binding refuses it. Here it is
//! white space like any other: a text of many lines gives what the command line gives for the text with spaces in
//! place of newlines.
//!
//! Edge cases: empty text is the word `</s>` alone, so it has labels too. A text none of whose words adds a row (which
//! takes a model without `</s>`) has none. Of labels that are equally probable the first of the model comes first; the
//! reference leaves their order open.
//!
//! Limits: `maxn` and `wordNgrams` up to 64, so that the time for a text is linear in its length. Rows are summed in
//! the order of the reference; its sums over the dimension are vectorised per platform, so probabilities agree to about
//! 0.000001 and not to the bit. Ours are the same on every machine.
//!
//! Sources: Joulin et al. 2016, Bag of Tricks for Efficient Text Classification, arXiv:1607.01759; Joulin et al. 2016,
//! FastText.zip, arXiv:1612.03651 (quantisation, pruning); Bojanowski et al. 2017, arXiv:1607.04606 (character
//! n-grams). The layout of the file is that of fastText 0.9.2.

mod dictionary;
mod loss;
mod matrix;

use bytes::Bytes;
use gristmill_core::{Error, Result};

use self::{
    dictionary::{Dictionary, Line},
    loss::Loss,
    matrix::Matrix,
};
use super::cursor::Cursor;

/// First number of every model file.
const MAGIC: i32 = 793_712_314;
/// The newest version, of fastText 0.2 and later.
const VERSION: i32 = 12;
/// The version before: its supervised models name character n-grams in their arguments and use none.
const VERSION_WITHOUT_SUBWORDS: i32 = 11;
/// The supervised kind of model; 1 is `cbow`, 2 `skipgram`.
const SUPERVISED: i32 = 3;
/// Most characters of a character n-gram and words of a word n-gram; models use up to about 6.
const NGRAM_MAX: i32 = 64;

/// A supervised model; see the module.
#[derive(Debug)]
pub struct Model {
    dictionary: Dictionary,
    /// `[words + buckets, dim]`
    input: Matrix,
    /// `[labels, dim]`; of hierarchical softmax `[inner nodes + 1, dim]`.
    output: Matrix,
    loss: Loss,
}

/// One label of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Index of the label for [`Model::label`].
    pub label: u32,
    /// 0.00001 to 1.00001; see the module.
    pub probability: f32,
}

/// Buffers of [`Model::predict`]: a few bytes for each word of the longest text so far, and for
/// each label.
#[derive(Debug, Default)]
pub struct Scratch {
    line: Line,
    /// `[dim]`
    hidden: Vec<f32>,
    loss: loss::Scratch,
    predictions: Vec<Prediction>,
}

impl Model {
    /// Reads the bytes of a `.bin` or `.ftz` file; they are kept, not copied.
    ///
    /// An error if the file is damaged or of another version, if the model is not supervised, or if a weight is not a
    /// number.
    pub fn read(bytes: Bytes) -> Result<Model> {
        read(&mut Cursor::new(bytes)).map_err(|error| error.context("fasttext model"))
    }

    /// Names of all labels in the order of the model, with the prefix `__label__` as in the file.
    pub fn labels(&self) -> &[String] {
        self.dictionary.labels()
    }

    /// Name of a predicted label; empty for an index that no prediction of this model has.
    pub fn label(&self, label: u32) -> &str {
        self.labels().get(label as usize).map_or("", String::as_str)
    }

    /// The `k` most probable labels of `text`, most probable first; fewer if the model has fewer or others are less
    /// probable than `threshold`.
    pub fn predict<'a>(
        &self,
        text: &str,
        k: usize,
        threshold: f32,
        scratch: &'a mut Scratch,
    ) -> &'a [Prediction] {
        scratch.predictions.clear();
        scratch.hidden.clear();
        scratch.hidden.resize(self.input.dim(), 0.0);
        let hidden = &mut scratch.hidden;
        let mut rows = 0_u64;
        self.dictionary.rows(text.as_bytes(), &mut scratch.line, |row| {
            self.input.add_row(row as usize, hidden);
            rows += 1;
        });
        if rows > 0 && k > 0 {
            let share = (1.0 / rows as f64) as f32;
            hidden.iter_mut().for_each(|value| *value *= share);
            let found = self
                .loss
                .best(&self.output, hidden, k, threshold, &mut scratch.loss);
            scratch.predictions.extend(found);
        }
        &scratch.predictions
    }
}

fn read(file: &mut Cursor) -> Result<Model> {
    let magic = file.i32("the magic number")?;
    if magic != MAGIC {
        return Err(Error::new(format!(
            "begins with {magic}, not with {MAGIC}: no fasttext model"
        )));
    }
    let version = file.i32("the version")?;
    if version != VERSION && version != VERSION_WITHOUT_SUBWORDS {
        return Err(Error::new(format!(
            "version {version} is neither {VERSION_WITHOUT_SUBWORDS} nor {VERSION}"
        )));
    }
    let mut arguments = Arguments::read(file)?;
    if version == VERSION_WITHOUT_SUBWORDS {
        arguments.maxn = 0;
    }
    let dictionary = Dictionary::read(file, &arguments)?;
    let is_quantised = file.bool("the flag of a quantised input")?;
    if !is_quantised && dictionary.is_pruned() {
        return Err(Error::new(
            "the dictionary is pruned but the input matrix is not quantised",
        ));
    }
    let input = Matrix::read(file, is_quantised, arguments.dim, "the input matrix")?;
    if (input.rows() as u64) < dictionary.rows_needed() {
        let (rows, needed) = (input.rows(), dictionary.rows_needed());
        return Err(Error::new(format!(
            "the input matrix has {rows} rows, its dictionary needs {needed}"
        )));
    }
    let is_output_quantised = file.bool("the flag of a quantised output")?;
    let is_output_quantised = is_quantised && is_output_quantised;
    let output = Matrix::read(file, is_output_quantised, arguments.dim, "the output matrix")?;
    let labels = dictionary.labels().len();
    if output.rows() != labels {
        let rows = output.rows();
        return Err(Error::new(format!(
            "the output matrix has {rows} rows for {labels} labels"
        )));
    }
    let loss = Loss::new(arguments.loss, dictionary.label_counts())?;
    Ok(Model {
        dictionary,
        input,
        output,
        loss,
    })
}

/// Arguments of the training that prediction needs.
#[derive(Debug)]
struct Arguments {
    dim: usize,
    word_ngrams: usize,
    loss: i32,
    bucket: u32,
    /// Fewest characters of a character n-gram; 0 is as good as 1.
    minn: usize,
    /// Most characters; 0 for no character n-grams.
    maxn: usize,
}

impl Arguments {
    fn read(file: &mut Cursor) -> Result<Self> {
        let dim = file.count32("dim")?;
        for name in ["ws", "epoch", "minCount", "neg"] {
            file.i32(name)?;
        }
        let word_ngrams = ngram_length(file.i32("wordNgrams")?, "wordNgrams")?;
        let loss = file.i32("loss")?;
        let kind = file.i32("the kind of model")?;
        if kind != SUPERVISED {
            return Err(Error::new(format!(
                "kind {kind} is not supervised ({SUPERVISED}), so the model has no labels"
            )));
        }
        let bucket = file.count32("bucket")?;
        let minn = ngram_length(file.i32("minn")?, "minn")?;
        let maxn = ngram_length(file.i32("maxn")?, "maxn")?;
        file.i32("lrUpdateRate")?;
        file.take(8, "the sampling threshold")?;
        if dim == 0 {
            return Err(Error::new("dim is 0"));
        }
        Ok(Arguments {
            dim: dim as usize,
            word_ngrams,
            loss,
            bucket,
            minn,
            maxn,
        })
    }
}

/// Negative lengths are as good as 0.
fn ngram_length(value: i32, name: &str) -> Result<usize> {
    if value > NGRAM_MAX {
        return Err(Error::new(format!("{name} of {value} exceeds {NGRAM_MAX}")));
    }
    Ok(usize::try_from(value).unwrap_or(0))
}
