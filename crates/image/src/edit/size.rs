//! The size that a picture is to have: the modes of img2dataset.
//!
//! A picture of `width` x `height` and a `side` give the size to scale to, and a frame that is cut out of it or laid
//! around it. The other side of a scaled picture is `side` times the ratio, computed in 64-bit floats, rounded to the
//! nearest pixel and halves to even, at least 1: as albumentations 1.4 does. Scaling to the size that a picture
//! already has is no change.

/// What becomes of a picture that has another size than wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResizeMode {
    /// Nothing.
    No,
    /// Its shorter side is scaled to the size.
    KeepRatio,
    /// Its longer side is scaled to the size.
    KeepRatioLargest,
    /// Its shorter side is scaled to the size, and a square is cut from its middle.
    CenterCrop,
    /// Its longer side is scaled to the size, and a background fills up to a square.
    Border,
}

/// How a picture becomes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Size that the picture is scaled to.
    pub(super) scaled: (u32, u32),
    /// Size of the result.
    pub(super) frame: (u32, u32),
    /// How far left and top of the scaled picture the result begins; negative where background comes first.
    pub(super) offset: (i64, i64),
}

impl ResizeMode {
    /// What becomes of a picture; none where it stays as it is.
    pub(super) fn layout(self, side: u32, only_if_bigger: bool, picture: (u32, u32)) -> Option<Layout> {
        let (width, height) = picture;
        let measured = match self {
            ResizeMode::No => return None,
            ResizeMode::KeepRatio | ResizeMode::CenterCrop => width.min(height),
            ResizeMode::KeepRatioLargest | ResizeMode::Border => width.max(height),
        };
        if only_if_bigger && measured <= side {
            return None;
        }
        let ratio = f64::from(side) / f64::from(measured);
        // Saturates for sides beyond any limit.
        let scale = |length: u32| ((f64::from(length) * ratio).round_ties_even() as u32).max(1);
        let scaled = (scale(width), scale(height));
        let frame = match self {
            ResizeMode::CenterCrop | ResizeMode::Border => (side, side),
            _ => scaled,
        };
        // Half of what is cut off or filled up, rounded down: an odd pixel goes to the right and the bottom.
        let offset = |scaled: u32, frame: u32| {
            let beyond = i64::from(scaled) - i64::from(frame);
            beyond.signum() * (beyond.abs() / 2)
        };
        let layout = Layout {
            scaled,
            frame,
            offset: (offset(scaled.0, frame.0), offset(scaled.1, frame.1)),
        };
        (layout.scaled != picture || layout.frame != picture).then_some(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: ResizeMode, picture: (u32, u32), expected: Option<Layout>) {
        assert_eq!(mode.layout(256, false, picture), expected, "{mode:?} {picture:?}");
    }

    #[test]
    fn a_square_is_cut_from_the_middle() {
        let layout = Layout {
            scaled: (385, 256),
            frame: (256, 256),
            offset: (64, 0),
        };
        check(ResizeMode::CenterCrop, (770, 512), Some(layout));
    }

    #[test]
    fn a_border_is_wider_at_the_right_and_bottom() {
        let layout = Layout {
            scaled: (256, 171),
            frame: (256, 256),
            offset: (0, -42),
        };
        check(ResizeMode::Border, (512, 342), Some(layout));
    }

    #[test]
    fn a_picture_of_that_size_stays() {
        check(ResizeMode::KeepRatio, (256, 300), None);
        check(ResizeMode::KeepRatioLargest, (100, 256), None);
        check(ResizeMode::CenterCrop, (256, 256), None);
        check(ResizeMode::Border, (256, 256), None);
        check(ResizeMode::No, (1, 1000), None);
    }

    #[test]
    fn no_side_is_lost_or_overflows() {
        let thin = ResizeMode::KeepRatioLargest
            .layout(16, true, (1, 60_000))
            .unwrap();
        assert_eq!(thin.scaled, (1, 16));
        let huge = ResizeMode::KeepRatio
            .layout(u32::MAX, false, (1, u32::MAX))
            .unwrap();
        assert_eq!(huge.scaled, (u32::MAX, u32::MAX));
    }
}
