//! English words and sentences, as the reference filters cut them.
//!
//! datatrove 0.10.0 takes its words from spaCy 3.8's blank English pipeline. This module gives the same words for
//! every text; the tables come from spaCy itself ([`make_tables.py`](make_tables.py)), the code is our own:
//!
//! 1. White space cuts a text into chunks. Python's idea of white space counts, see [`white_space`].
//! 2. From both ends of a chunk the [`affixes`] are cut off, one by one, until an exception is left
//!    (`exceptions.txt`: *don't*, *e.g.*, *:-)*) or nothing changes.
//! 3. What is left is an exception, or a [`url`], or is cut at its infixes.
//! 4. Runs of tokens that look like what step 2 made of an exception become that exception after all ([`merges`]).
//!
//! A token is never empty and holds no white space. Case is kept; punctuation is a token of its own. A text of only
//! white space has no words. Time is linear in the length of the text, whatever it holds: a chunk is looked up as a
//! whole only while it is no longer than the longest exception.

mod affixes;
pub(crate) mod classes;
mod merges;
mod ranges;
mod sentences;
mod strings;
mod tokenizer;
mod url;
pub(crate) mod white_space;

pub(crate) use sentences::sentence_ends;
pub(crate) use tokenizer::Tokenizer;
