//! Columns of files ([`ColumnType::Media`]): the bytes of each, and the name whose ending says its format.
//!
//! A row is null where there is no file, whatever its name and bytes are. In a column of others a row may also have a name and no
//! bytes: a file that is only referred to. [`media`] makes none of these.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryViewArray, StringViewArray, StructArray,
    builder::{BinaryViewBuilder, StringViewBuilder},
    cast::AsArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use crate::ColumnType;

/// A column of files, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    rows: &'a StructArray,
    bytes: &'a BinaryViewArray,
    paths: &'a StringViewArray,
}

impl<'a> Files<'a> {
    /// The files of a column.
    ///
    /// # Panics
    ///
    /// Where its type is not that of [`ColumnType::Media`].
    pub fn of(column: &'a dyn Array) -> Self {
        let rows = column.as_struct();
        Files {
            rows,
            bytes: rows.column(0).as_binary_view(),
            paths: rows.column(1).as_string_view(),
        }
    }

    /// The bytes of each row.
    pub fn bytes(self) -> impl ExactSizeIterator<Item = Option<&'a [u8]>> {
        (0..self.rows.len()).map(move |row| {
            let is_there = self.rows.is_valid(row) && self.bytes.is_valid(row);
            is_there.then(|| self.bytes.value(row))
        })
    }

    /// The bytes of all rows, also of those that are null.
    pub fn views(self) -> &'a BinaryViewArray {
        self.bytes
    }

    /// The name of a file, also where the row is null.
    pub fn path(self, row: usize) -> Option<&'a str> {
        self.paths.is_valid(row).then(|| self.paths.value(row))
    }

    /// The name of a file without its ending.
    pub fn stem(self, row: usize) -> Option<&'a str> {
        let path = self.path(row)?;
        Some(path.rsplit_once('.').map_or(path, |(stem, _)| stem))
    }

    /// The column with other files in some rows, `bytes` and the ending of the name. The others stay as they are.
    ///
    /// # Panics
    ///
    /// Where there is not one change for each row.
    pub fn with<'b>(self, changes: impl IntoIterator<Item = Option<(&'b [u8], &'static str)>>) -> ArrayRef {
        let (mut bytes, mut paths) = (BinaryViewBuilder::new(), StringViewBuilder::new());
        for (row, change) in changes.into_iter().enumerate() {
            match change {
                Some((new, ending)) => {
                    bytes.append_value(new);
                    paths.append_option(self.stem(row).map(|stem| format!("{stem}.{ending}")));
                }
                None => {
                    bytes.append_option(self.bytes.is_valid(row).then(|| self.bytes.value(row)));
                    paths.append_option(self.path(row));
                }
            }
        }
        column(bytes.finish(), paths.finish(), self.rows.nulls().cloned())
    }
}

/// A column of files; null where there are no bytes.
///
/// # Panics
///
/// Where there are not as many names as bytes.
pub fn media(bytes: BinaryViewArray, paths: StringViewArray) -> ArrayRef {
    let nulls = bytes.nulls().cloned();
    column(bytes, paths, nulls)
}

/// The contents of records as files that are named by their ids; null where there is no ending. The bytes are not copied.
pub fn media_of<'a>(
    contents: &BinaryViewArray,
    ids: &StringViewArray,
    endings: impl Iterator<Item = Option<&'a str>>,
) -> ArrayRef {
    let (mut paths, mut is_there) = (StringViewBuilder::new(), Vec::with_capacity(contents.len()));
    for (id, ending) in ids.iter().zip(endings) {
        is_there.push(ending.is_some());
        paths.append_option(id.zip(ending).map(|(id, ending)| format!("{id}.{ending}")));
    }
    let bytes = BinaryViewArray::try_new(
        contents.views().clone(),
        contents.data_buffers().to_vec(),
        NullBuffer::union(contents.nulls(), Some(&is_there.into())),
    )
    .expect("views of an array fit its buffers");
    media(bytes, paths.finish())
}

fn column(bytes: BinaryViewArray, paths: StringViewArray, nulls: Option<NullBuffer>) -> ArrayRef {
    let DataType::Struct(fields) = ColumnType::Media.data_type() else {
        unreachable!("files are structs");
    };
    Arc::new(StructArray::new(
        fields,
        vec![Arc::new(bytes), Arc::new(paths)],
        nulls,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_keeps_the_stem_of_its_name() {
        let bytes = BinaryViewArray::from(vec![Some(b"old".as_slice()), Some(b"kept"), None]);
        let paths = StringViewArray::from(vec![Some("a.b.png"), Some("b.png"), Some("c.png")]);
        let before = media(bytes, paths);
        let after = Files::of(&before).with([Some((b"new".as_slice(), "jpg")), None, None]);
        let after = Files::of(&after);
        let found: Vec<_> = after.bytes().collect();
        assert_eq!(found, [Some(b"new".as_slice()), Some(b"kept"), None]);
        assert_eq!(
            [0, 1, 2].map(|row| after.path(row)),
            [Some("a.b.jpg"), Some("b.png"), Some("c.png")]
        );
    }

    #[test]
    fn a_row_has_bytes_if_neither_it_nor_they_are_null() {
        let bytes = || BinaryViewArray::from(vec![Some(b"a".as_slice()), Some(b"b"), None]);
        let paths = || StringViewArray::from(vec!["a.png"; 3]);
        let nulls = NullBuffer::from(vec![true, false, true]);
        let rows = column(bytes(), paths(), Some(nulls.clone()));
        assert_eq!(
            Files::of(&rows).bytes().collect::<Vec<_>>(),
            [Some(b"a".as_slice()), None, None]
        );
        // What is only referred to stays so.
        let same = Files::of(&rows).with([None, None, None]);
        assert_eq!(same.nulls(), Some(&nulls));
        assert_eq!(media(bytes(), paths()).null_count(), 1);
    }

    #[test]
    fn contents_are_shared() {
        let contents = BinaryViewArray::from(vec![
            Some(b"longer than a view can hold".as_slice()),
            None,
            Some(b"no"),
        ]);
        let ids = StringViewArray::from(vec![Some("a"), Some("b"), Some("c")]);
        let files = media_of(&contents, &ids, [Some("png"), None, None].into_iter());
        assert_eq!(files.null_count(), 2);
        let files = Files::of(&files);
        assert_eq!(files.path(0), Some("a.png"));
        assert_eq!(
            files.views().data_buffers()[0].as_ptr(),
            contents.data_buffers()[0].as_ptr()
        );
    }
}
