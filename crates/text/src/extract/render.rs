//! Blocks to the text of a document.
//!
//! One block a line. A list item begins with `- `, the cells of a table row stand in one line with ` | ` between
//! them, `pre` keeps its lines. Cells that hold several blocks are parts of a layout, and stay lines of their own.

use super::blocks::{Block, Page};

/// A kept block and how it follows the one before it.
pub(super) struct Piece<'a> {
    pub(super) block: &'a Block,
    /// Its place among all blocks.
    pub(super) index: usize,
    /// It is the next cell of the same row.
    pub(super) is_next_cell: bool,
    /// It begins a list item.
    pub(super) has_dash: bool,
}

/// Writes the kept blocks. `is_kept` has one entry a block.
pub(super) fn render(page: &Page, is_kept: &[bool]) -> String {
    let bytes = pieces(page, is_kept)
        .map(|piece| piece.block.text.len() + 3)
        .sum();
    let mut out = String::with_capacity(bytes);
    for piece in pieces(page, is_kept) {
        if !out.is_empty() {
            out.push_str(if piece.is_next_cell { " | " } else { "\n" });
        }
        if piece.has_dash {
            out.push_str("- ");
        }
        out.push_str(&page.text[piece.block.text.clone()]);
    }
    out
}

/// The kept blocks as they are written.
pub(super) fn pieces<'a>(page: &'a Page, is_kept: &'a [bool]) -> impl Iterator<Item = Piece<'a>> {
    let mut blocks = page
        .blocks
        .iter()
        .enumerate()
        .filter(|(index, _)| is_kept[*index])
        .peekable();
    let mut before: Option<&Block> = None;
    std::iter::from_fn(move || {
        let (index, block) = blocks.next()?;
        let shares_cell = |other: Option<&Block>| other.is_some_and(|other| block.cell == other.cell);
        let next = blocks.peek().map(|(_, next)| *next);
        let is_alone = !shares_cell(before) && !shares_cell(next);
        let is_next_cell = is_alone && before.is_some_and(|before| is_same_row(before, block));
        // A block of several lines ends its row.
        let is_line = is_alone && !page.text[block.text.clone()].contains('\n');
        before = (is_line || shares_cell(next)).then_some(block);
        Some(Piece {
            block,
            index,
            is_next_cell,
            has_dash: block.begins_item && !is_next_cell,
        })
    })
}

fn is_same_row(one: &Block, other: &Block) -> bool {
    one.cell.0 != 0 && one.cell.0 == other.cell.0 && one.cell.1 != other.cell.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{extract::blocks, html::Document};

    fn check(html: &str, expected: &str) {
        let page = blocks::cut(&Document::parse(html, 512, 1 << 20));
        assert_eq!(render(&page, &vec![true; page.blocks.len()]), expected, "{html}");
    }

    #[test]
    fn a_block_is_a_line() {
        check("<h1>a</h1><p>b<p>c", "a\nb\nc");
    }

    #[test]
    fn a_list_item_begins_with_a_dash() {
        check("<ul><li>a<ul><li>b</ul><li><p>c<p>d</ul>e", "- a\n- b\n- c\nd\ne");
    }

    #[test]
    fn a_table_row_is_a_line() {
        check("<table><tr><th>a<th>b<tr><td>c<td>d</table>e", "a | b\nc | d\ne");
    }

    #[test]
    fn a_layout_of_tables_is_lines() {
        check("<table><tr><td><p>a<p>b<td>c</table>", "a\nb\nc");
    }

    #[test]
    fn code_keeps_its_lines() {
        check("<p>a<pre>b\n  c</pre>d", "a\nb\n  c\nd");
    }
}
