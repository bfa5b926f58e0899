//! A list of labels in the journal's binary form: each level's name once, labels as indices into the names.
//!
//! A provider's answer names the same ancestors again and again (`Explicit`, `Explicit/Explicit Nudity`, …), and the
//! longest names are near the root. `[[name, …], [[index, …, confidence], …]]`; where people read, the plain list.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Confidence, Label, LabelPath};

pub(super) fn serialize<S: Serializer>(labels: &[Label], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return labels.serialize(serializer);
    }
    let mut names: Vec<&str> = Vec::new();
    let mut rows: Vec<Vec<u32>> = Vec::with_capacity(labels.len());
    for label in labels {
        let levels = label.path().as_str().split('/');
        let mut row: Vec<u32> = levels.map(|level| index_of(level, &mut names)).collect();
        row.push(label.confidence().as_milli());
        rows.push(row);
    }
    (names, rows).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Label>, D::Error> {
    if deserializer.is_human_readable() {
        return Vec::deserialize(deserializer);
    }
    let (names, rows) = <(Vec<String>, Vec<Vec<u32>>)>::deserialize(deserializer)?;
    let label = |row: &Vec<u32>| {
        let (milli, levels) = row.split_last().ok_or_else(|| Error::custom("a label without a confidence"))?;
        let levels: Option<Vec<&str>> =
            levels.iter().map(|level| names.get(*level as usize).map(String::as_str)).collect();
        let levels = levels.ok_or_else(|| Error::custom("a label with a level that has no name"))?;
        let path = LabelPath::new(levels.join("/")).map_err(Error::custom)?;
        let confidence = Confidence::from_milli(*milli).ok_or_else(|| Error::custom("a confidence above 100"))?;
        Ok(Label(path, confidence))
    };
    rows.iter().map(label).collect()
}

fn index_of<'a>(level: &'a str, names: &mut Vec<&'a str>) -> u32 {
    let known = names.iter().position(|name| *name == level).unwrap_or_else(|| {
        names.push(level);
        names.len() - 1
    });
    known as u32 // a payload is bounded far below as many names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Labels(#[serde(with = "super")] Vec<Label>);

    fn cbor(value: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).expect("writable");
        bytes
    }

    #[test]
    fn order_and_repeated_names_survive() {
        let label = |path: &str, milli| {
            Label(LabelPath::new(path).expect("a sound path"), Confidence::from_milli(milli).expect("below 100,000"))
        };
        let labels = Labels(vec![label("A/B/A", 1), label("B", 100_000), label("A", 0), label("A/B", 7)]);
        for labels in [labels, Labels(Vec::new())] {
            let read: Labels = ciborium::from_reader(cbor(&labels).as_slice()).expect("readable");
            assert_eq!(read, labels);
        }
    }

    #[test]
    fn rows_that_name_nothing_are_refused() {
        for rows in [vec![vec![]], vec![vec![5u32]], vec![vec![1, 5]], vec![vec![0, 100_001]]] {
            let hostile = cbor(&(vec!["A"], &rows));
            assert!(ciborium::from_reader::<Labels, _>(hostile.as_slice()).is_err(), "{rows:?}");
        }
    }
}
