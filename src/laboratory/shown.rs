//! The first few of many, and how many there were: lists that stay short and are the same whatever order, and whichever
//! thread, their items came from.

/// The `MAX` items with the least keys, and the count of all.
#[derive(Debug, Clone)]
pub(super) struct Shown<K, T, const MAX: usize> {
    count: u64,
    /// Sorted by key.
    items: Vec<(K, T)>,
}

impl<K, T, const MAX: usize> Default for Shown<K, T, MAX> {
    fn default() -> Self {
        Self { count: 0, items: Vec::new() }
    }
}

impl<K: Ord, T, const MAX: usize> Shown<K, T, MAX> {
    /// Counts one, and keeps it if it is among the first. Made only then.
    pub fn add(&mut self, key: K, item: impl FnOnce() -> T) {
        self.count += 1;
        let full = self.items.len() >= MAX;
        if full && self.items.last().is_none_or(|(last, _)| *last <= key) {
            return;
        }
        let at = self.items.partition_point(|(before, _)| *before <= key);
        self.items.insert(at, (key, item()));
        self.items.truncate(MAX);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn merge(&mut self, other: Self) {
        let counted = self.count + other.count;
        for (key, item) in other.items {
            self.add(key, || item);
        }
        self.count = counted;
    }

    pub fn into_items(self) -> Vec<T> {
        self.items.into_iter().map(|(_, item)| item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_kept_and_all_are_counted_from_however_many_threads() {
        let mut whole = Shown::<u32, u32, 3>::default();
        let (mut even, mut odd) = (Shown::<u32, u32, 3>::default(), Shown::<u32, u32, 3>::default());
        for number in [9, 2, 7, 4, 1, 8] {
            whole.add(number, || number);
            if number % 2 == 0 { even.add(number, || number) } else { odd.add(number, || number) }
        }
        odd.merge(even);
        assert_eq!((whole.count(), odd.count()), (6, 6));
        assert_eq!(whole.into_items(), [1, 2, 4]);
        assert_eq!(odd.into_items(), [1, 2, 4]);
    }
}
