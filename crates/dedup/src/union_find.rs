//! Connected components over dense numbers.

/// A forest of `u32` numbers: 8 bytes each.
///
/// Union is by size and, for equal sizes, by number, so the roots do not depend on anything but the unions made.
/// Chains are at most log₂ n long; [`root`](Self::root) therefore needs no compression and can be asked by many
/// threads at once.
#[derive(Debug)]
pub(crate) struct UnionFind {
    parent: Vec<u32>,
    size: Vec<u32>,
}

impl UnionFind {
    pub(crate) fn new(count: u32) -> Self {
        UnionFind {
            parent: (0..count).collect(),
            size: vec![1; count as usize],
        }
    }

    /// The root of the component of `number`.
    pub(crate) fn root(&self, mut number: u32) -> u32 {
        loop {
            let parent = self.parent[number as usize];
            if parent == number {
                return number;
            }
            number = parent;
        }
    }

    /// How many numbers are in the component of this root.
    pub(crate) fn size(&self, root: u32) -> u32 {
        self.size[root as usize]
    }

    /// Numbers that are not alone.
    pub(crate) fn members(&self) -> u64 {
        let roots = (0_u32..)
            .zip(&self.parent)
            .filter(|(number, parent)| *number == **parent);
        let sizes = roots.map(|(root, _)| u64::from(self.size(root)));
        sizes.filter(|size| *size > 1).sum()
    }

    /// Joins the components of two numbers.
    pub(crate) fn union(&mut self, a: u32, b: u32) {
        let (a, b) = (self.halve(a), self.halve(b));
        if a == b {
            return;
        }
        let weight = |root: u32| (self.size[root as usize], std::cmp::Reverse(root));
        let (large, small) = if weight(a) >= weight(b) { (a, b) } else { (b, a) };
        self.parent[small as usize] = large;
        self.size[large as usize] += self.size[small as usize];
    }

    /// The root; every second link on the way is made shorter.
    fn halve(&mut self, mut number: u32) -> u32 {
        loop {
            let parent = self.parent[number as usize];
            if parent == number {
                return number;
            }
            let grandparent = self.parent[parent as usize];
            self.parent[number as usize] = grandparent;
            number = grandparent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unions_in_any_order_give_the_same_components() {
        let pairs = [(0, 5), (5, 3), (1, 2), (7, 1), (3, 0)];
        let components = |pairs: &[(u32, u32)]| {
            let mut sets = UnionFind::new(8);
            pairs.iter().for_each(|&(a, b)| sets.union(a, b));
            let together = |a: u32, b: u32| sets.root(a) == sets.root(b);
            (0..8)
                .map(|a| (0..8).filter(|&b| together(a, b)).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let reversed: Vec<_> = pairs.iter().rev().map(|&(a, b)| (b, a)).collect();
        assert_eq!(components(&pairs), components(&reversed));
        assert_eq!(components(&pairs)[0], [0, 3, 5]);
        assert_eq!(components(&pairs)[7], [1, 2, 7]);
    }
}
