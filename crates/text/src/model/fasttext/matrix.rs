//! A matrix of weights as it lies in the file: dense, or quantised by product quantisation.

use bytes::Bytes;
use gristmill_core::{Error, Result};

use super::Cursor;

/// Centroids of each part of a row; a code is one byte.
const CENTROIDS: usize = 256;
/// Sums that a dot product keeps beside one another, so that it runs in vectors and is the same everywhere.
const LANES: usize = 8;

/// `[rows, dim]` of `f32`.
#[derive(Debug)]
pub(super) enum Matrix {
    Dense {
        dim: usize,
        rows: usize,
        /// `[rows, dim]` of little-endian `f32`.
        weights: Bytes,
    },
    Quantised {
        rows: usize,
        /// `[rows, parts]`
        codes: Bytes,
        quantiser: Quantiser,
        norms: Option<Norms>,
    },
}

/// Lengths of rows, which are quantised by themselves if the model was made with `qnorm`.
#[derive(Debug)]
pub(super) struct Norms {
    /// `[rows]`
    codes: Bytes,
    quantiser: Quantiser,
}

/// Rows are cut into parts of `width` numbers (the last can be narrower), each of which is one of 256 centroids.
#[derive(Debug)]
pub(super) struct Quantiser {
    dim: usize,
    parts: usize,
    width: usize,
    last_width: usize,
    /// `[parts, 256, width]`, the last part `[256, last_width]`.
    centroids: Vec<f32>,
}

impl Matrix {
    /// A matrix with rows of `dim` numbers; `what` names it for messages.
    pub(super) fn read(file: &mut Cursor, is_quantised: bool, dim: usize, what: &str) -> Result<Self> {
        if is_quantised {
            read_quantised(file, dim)
        } else {
            read_dense(file, dim)
        }
        .map_err(|error| error.context(what))
    }

    pub(super) fn dim(&self) -> usize {
        match self {
            Matrix::Dense { dim, .. } => *dim,
            Matrix::Quantised { quantiser, .. } => quantiser.dim,
        }
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Matrix::Dense { rows, .. } | Matrix::Quantised { rows, .. } => *rows,
        }
    }

    /// Adds a row to `sum` (`[dim]`).
    #[inline]
    pub(super) fn add_row(&self, row: usize, sum: &mut [f32]) {
        match self {
            Matrix::Dense { dim, weights, .. } => {
                for (sum, &weight) in sum.iter_mut().zip(dense_row(weights, *dim, row)) {
                    *sum += f32::from_le_bytes(weight);
                }
            }
            Matrix::Quantised {
                codes,
                quantiser,
                norms,
                ..
            } => {
                let norm = norms.as_ref().map_or(1.0, |norms| norms.of(row));
                let codes = &codes[row * quantiser.parts..][..quantiser.parts];
                quantiser.add(codes, norm, sum);
            }
        }
    }

    /// The dot product of a row and `vector` (`[dim]`).
    #[inline]
    pub(super) fn dot_row(&self, row: usize, vector: &[f32]) -> f32 {
        match self {
            Matrix::Dense { dim, weights, .. } => dot(dense_row(weights, *dim, row), vector),
            Matrix::Quantised {
                codes,
                quantiser,
                norms,
                ..
            } => {
                let norm = norms.as_ref().map_or(1.0, |norms| norms.of(row));
                let codes = &codes[row * quantiser.parts..][..quantiser.parts];
                let mut sum = 0.0;
                for (part, (&code, vector)) in codes.iter().zip(vector.chunks(quantiser.width)).enumerate() {
                    for (value, centroid) in vector.iter().zip(quantiser.centroid(part, code)) {
                        sum += value * centroid;
                    }
                }
                sum * norm
            }
        }
    }
}

impl Norms {
    fn of(&self, row: usize) -> f32 {
        self.quantiser.centroid(0, self.codes[row])[0]
    }
}

impl Quantiser {
    /// A quantiser for rows of `dim` numbers.
    fn read(file: &mut Cursor, dim: usize) -> Result<Self> {
        let mut number = |what| file.count32(what).map(|number| number as usize);
        let own_dim = number("the dimension of the quantiser")?;
        let parts = number("the number of quantised parts")?;
        let width = number("the width of quantised parts")?;
        let last_width = number("the width of the last quantised part")?;
        let is_sound = own_dim == dim
            && (1..=width).contains(&last_width)
            && parts > 0
            && (parts as u64 - 1) * width as u64 + last_width as u64 == dim as u64;
        if !is_sound {
            return Err(Error::new(format!(
                "quantiser of {parts} parts of {width}, the last of {last_width}, for {own_dim} numbers; rows have {dim}"
            )));
        }
        let centroids = file.take((dim * CENTROIDS * 4) as u64, "the centroids")?;
        check_weights(&centroids)?;
        let (centroids, _) = centroids.as_chunks::<4>();
        Ok(Quantiser {
            dim,
            parts,
            width,
            last_width,
            centroids: centroids.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        })
    }

    /// Adds `norm` times the row of these codes to `sum`.
    #[inline]
    fn add(&self, codes: &[u8], norm: f32, sum: &mut [f32]) {
        let mut done = 0;
        if self.width == 2 {
            // The usual width, with neither a check nor a loop per part.
            let (tables, _) = self.centroids.as_chunks::<2>().0.as_chunks::<CENTROIDS>();
            let whole = codes.iter().zip(sum.as_chunks_mut::<2>().0).zip(tables);
            for ((&code, sum), table) in whole {
                let centroid = table[usize::from(code)];
                sum[0] += norm * centroid[0];
                sum[1] += norm * centroid[1];
                done += 1;
            }
        }
        let sums = sum.chunks_mut(self.width).skip(done);
        for (part, (&code, sum)) in (done..).zip(codes[done..].iter().zip(sums)) {
            for (sum, centroid) in sum.iter_mut().zip(self.centroid(part, code)) {
                *sum += norm * centroid;
            }
        }
    }

    fn centroid(&self, part: usize, code: u8) -> &[f32] {
        let width = if part + 1 == self.parts {
            self.last_width
        } else {
            self.width
        };
        &self.centroids[part * CENTROIDS * self.width + usize::from(code) * width..][..width]
    }
}

fn read_dense(file: &mut Cursor, dim: usize) -> Result<Matrix> {
    let rows = read_shape(file, dim)?;
    let length = rows.saturating_mul(dim as u64).saturating_mul(4);
    let weights = file.take(length, "the weights")?;
    check_weights(&weights)?;
    let rows = weights.len() / (dim * 4);
    Ok(Matrix::Dense { dim, rows, weights })
}

fn read_quantised(file: &mut Cursor, dim: usize) -> Result<Matrix> {
    let has_norms = file.bool("the flag of quantised norms")?;
    let rows = read_shape(file, dim)?;
    let length = file.count32("the number of codes")?;
    let codes = file.take(u64::from(length), "the codes")?;
    let quantiser = Quantiser::read(file, dim)?;
    if rows.checked_mul(quantiser.parts as u64) != Some(u64::from(length)) {
        let parts = quantiser.parts;
        return Err(Error::new(format!(
            "{length} codes for {rows} rows of {parts} parts"
        )));
    }
    let norms = if has_norms {
        let codes = file.take(rows, "the codes of norms")?;
        let quantiser = Quantiser::read(file, 1)?;
        Some(Norms { codes, quantiser })
    } else {
        None
    };
    let rows = codes.len() / quantiser.parts;
    Ok(Matrix::Quantised {
        rows,
        codes,
        quantiser,
        norms,
    })
}

/// The number of rows; an error if they do not have `dim` numbers.
fn read_shape(file: &mut Cursor, dim: usize) -> Result<u64> {
    let rows = file.count64("the number of rows")?;
    let columns = file.count64("the number of columns")?;
    if columns != dim as u64 {
        return Err(Error::new(format!("{columns} columns for a dim of {dim}")));
    }
    Ok(rows)
}

fn check_weights(weights: &[u8]) -> Result<()> {
    let (weights, _) = weights.as_chunks::<4>();
    // Infinities and NaN have all bits of the exponent set. Without a branch a pass over gigabytes is fast.
    let is_finite = weights.chunks(4096).all(|weights| {
        !weights.iter().fold(false, |bad, &bytes| {
            bad | (u32::from_le_bytes(bytes) & 0x7f80_0000 == 0x7f80_0000)
        })
    });
    if is_finite {
        Ok(())
    } else {
        Err(Error::new("a weight is not a finite number"))
    }
}

fn dense_row(weights: &[u8], dim: usize, row: usize) -> &[[u8; 4]] {
    weights[row * dim * 4..][..dim * 4].as_chunks::<4>().0
}

fn dot(row: &[[u8; 4]], vector: &[f32]) -> f32 {
    let (rows, row_rest) = row.as_chunks::<LANES>();
    let (vectors, vector_rest) = vector.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (weights, values) in rows.iter().zip(vectors) {
        for ((lane, &weight), value) in lanes.iter_mut().zip(weights).zip(values) {
            *lane += f32::from_le_bytes(weight) * value;
        }
    }
    let rest = row_rest.iter().zip(vector_rest);
    let rest: f32 = rest
        .map(|(&weight, value)| f32::from_le_bytes(weight) * value)
        .sum();
    lanes.iter().sum::<f32>() + rest
}
