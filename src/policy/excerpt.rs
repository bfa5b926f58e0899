//! The part of a text that holds one policy: for readers whom the others in the same text do not concern.

use super::file;
use crate::model::PolicyId;

/// The YAML document that holds the policy, without the lines that part it from others; none if the text cannot be
/// read, or holds no such policy.
pub fn excerpt<'a>(text: &'a str, policy: &PolicyId) -> Option<&'a str> {
    let loaded = file::load("excerpt", text).ok()?;
    let line = loaded.iter().find(|one| one.policy.reference.id == *policy)?.places.policy.line as usize;
    let (mut begins, mut at) = (0, 0);
    for (index, one) in text.split_inclusive('\n').enumerate() {
        // At the beginning of a line it is a marker wherever it stands, also in a long text (YAML 1.2.2, section 9.1.2).
        if is_marker(one) {
            if index >= line {
                return Some(&text[begins..at]);
            }
            begins = at + one.len();
        }
        at += one.len();
    }
    Some(&text[begins..])
}

fn is_marker(line: &str) -> bool {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# of the first\npolicy: one\nchannels: { matching: ^a/ }\ntaxonomy: rekognition/7.0\nrules:\n  - { id: r, categories: [Alcohol], \
                        confidence: 80 }\n--- # and\n# of the second\npolicy: two\nchannels: { matching: ^b/ }\n\
                        taxonomy: rekognition/7.0\nrules:\n  - { id: s, categories: [Alcohol], confidence: 80 }\n\
                        ---\npolicy: three\nchannels: { matching: ^c/ }\ntaxonomy: rekognition/7.0\nrules:\n  - { id: t, \
                        categories: [Alcohol], confidence: 80 }\n";

    fn of(policy: &str) -> Option<&'static str> {
        excerpt(TEXT, &PolicyId::new(policy).expect("a sound id"))
    }

    #[test]
    fn each_policy_has_its_own_part_and_nothing_of_the_others() {
        for (policy, own, others) in [
            ("one", ["# of the first", "^a/"], ["^b/", "^c/"]),
            ("two", ["# of the second", "^b/"], ["^a/", "^c/"]),
            ("three", ["policy: three", "^c/"], ["^a/", "^b/"]),
        ] {
            let part = of(policy).unwrap_or_else(|| panic!("{policy} is there"));
            assert!(own.iter().all(|text| part.contains(text)), "{policy}: {part}");
            assert!(!others.iter().any(|text| part.contains(text)), "{policy}: {part}");
            assert!(file::load("part", part).is_ok(), "a part is a text by itself: {part}");
        }
        assert_eq!(of("four"), None);
        assert_eq!(excerpt("policy: [", &PolicyId::new("one").expect("a sound id")), None);
    }
}
