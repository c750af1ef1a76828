//! Row by row: inputs to documents, with each row's mishaps kept to itself.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray, builder::StringViewBuilder, cast::AsArray};
use gristmill_core::{Documents, Fault, Limits};

/// A record as extractors of this crate see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) content: &'a [u8],
    pub(super) charset: Option<&'a str>,
    pub(super) url: Option<&'a str>,
}

/// Extracts every row of `content`, `charset` and `url` with `extract`, which gives the texts of `N` columns.
///
/// A row without content is `malformed`, one longer than [`Limits::record_bytes`] is a `limit`, and one on which
/// `extract` panics is `internal`: one page in a billion must not stop the other ones.
pub(super) fn extract_rows<const N: usize>(
    inputs: &[ArrayRef],
    limits: &Limits,
    extract: impl Fn(Source<'_>) -> Result<[Option<String>; N], Fault>,
) -> Documents {
    let mut columns: [StringViewBuilder; N] = std::array::from_fn(|_| StringViewBuilder::new());
    let faults = each_row(inputs, limits, extract, |values| match values {
        Some(values) => {
            for (column, value) in columns.iter_mut().zip(values) {
                column.append_option(value);
            }
        }
        None => columns.iter_mut().for_each(StringViewBuilder::append_null),
    });
    Documents {
        columns: columns
            .map(|mut column| Arc::new(column.finish()) as ArrayRef)
            .into(),
        faults,
    }
}

/// The same for documents of any columns: hands what `extract` gives to `put`, row by row, `None` where it gives a
/// fault. Gives the faults.
pub(super) fn each_row<T>(
    inputs: &[ArrayRef],
    limits: &Limits,
    extract: impl Fn(Source<'_>) -> Result<T, Fault>,
    mut put: impl FnMut(Option<T>),
) -> StringViewArray {
    let contents: &BinaryViewArray = inputs[0].as_binary_view();
    let charsets: &StringViewArray = inputs[1].as_string_view();
    let urls: &StringViewArray = inputs[2].as_string_view();
    let mut faults = StringViewBuilder::new();
    for ((content, charset), url) in contents.iter().zip(charsets).zip(urls) {
        let result = match content {
            None => Err(Fault::malformed("record has no content")),
            Some(content) if content.len() > limits.record_bytes => Err(Fault::limit(format!(
                "content of {} bytes exceeds {}",
                content.len(),
                limits.record_bytes
            ))),
            Some(content) => catch_unwind(AssertUnwindSafe(|| {
                extract(Source {
                    content,
                    charset,
                    url,
                })
            }))
            .unwrap_or_else(|_| Err(Fault::internal("extraction panicked"))),
        };
        faults.append_option(result.as_ref().err().map(ToString::to_string));
        put(result.ok());
    }
    faults.finish()
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    #[test]
    fn mishaps_stay_in_their_rows() {
        let inputs: Vec<ArrayRef> = vec![
            Arc::new(BinaryViewArray::from(vec![
                Some(b"a".as_slice()),
                None,
                Some(b"panic"),
                Some(b"too long"),
            ])),
            Arc::new(StringViewArray::new_null(4)),
            Arc::new(StringViewArray::new_null(4)),
        ];
        let limits = Limits {
            record_bytes: 5,
            ..Limits::default()
        };
        let documents = extract_rows(&inputs, &limits, |source| {
            assert_eq!(source.content, b"a");
            Ok([Some("b".to_owned())])
        });
        let faults: Vec<_> = documents.faults.iter().collect();
        assert_eq!(
            faults,
            [
                None,
                Some("malformed: record has no content"),
                Some("internal: extraction panicked"),
                Some("limit: content of 8 bytes exceeds 5"),
            ]
        );
        assert_eq!(documents.columns[0].null_count(), 3);
    }
}
