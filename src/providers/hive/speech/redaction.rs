//! What Hive takes for personal data, taken out of what was said. Hive warns that its indices may be off, so it is looked
//! for by its words; where they are not found as they were said, all of the sentence goes rather than any of it stay.

use serde_json::Value;

/// What stands for what was taken out.
const TAKEN_OUT: &str = "[…]";
/// The most places of personal data in an answer that are looked for one by one; beyond it, nothing of what was said is
/// kept.
const ENTITIES_MAX: usize = 256;

/// One sentence, and what Hive says of it.
pub(super) struct Passage<'a> {
    pub(super) text: &'a str,
    /// What of it is personal.
    pub(super) personal: &'a [Value],
    /// Where it begins and ends in all that was said, in characters.
    pub(super) place: Option<(u64, u64)>,
    /// Whether it holds a number to call.
    pub(super) holds_a_number: bool,
}

/// The sentences without what is personal, in their order. `elsewhere` is what is personal in all that was said together.
pub(super) fn redacted(passages: Vec<Passage<'_>>, elsewhere: &[Value]) -> Vec<String> {
    let entities = || passages.iter().flat_map(|passage| passage.personal).chain(elsewhere);
    let too_many = entities().nth(ENTITIES_MAX).is_some();
    let values: Vec<Vec<char>> = entities().take(ENTITIES_MAX).filter_map(value).collect();
    let found_in = |text: &[char], entity: &Value| value(entity).is_some_and(|value| !places(text, &value).is_empty());
    let texts: Vec<Vec<char>> = passages.iter().map(|passage| folded(passage.text)).collect();
    let mut taken: Vec<Taken> = Vec::with_capacity(passages.len());
    for (passage, text) in passages.iter().zip(&texts) {
        let lost = passage.personal.iter().any(|entity| !found_in(text, entity));
        let parts: Vec<(usize, usize)> = values.iter().flat_map(|value| places(text, value)).collect();
        let whole = lost || passage.holds_a_number && parts.is_empty() || too_many;
        taken.push(if whole { Taken::Whole } else { Taken::Parts(parts) });
    }
    for entity in elsewhere.iter().filter(|entity| !texts.iter().any(|text| found_in(text, entity))) {
        let within = |passage: &Passage<'_>| Some(overlaps(passage.place?, span(entity)?));
        let known = passages.iter().all(|passage| within(passage).is_some());
        let somewhere = passages.iter().any(|passage| within(passage) == Some(true));
        for (passage, taken) in passages.iter().zip(&mut taken) {
            if !known || !somewhere || within(passage) == Some(true) {
                *taken = Taken::Whole;
            }
        }
    }
    passages.iter().zip(&taken).map(|(passage, taken)| taken.out_of(passage.text)).collect()
}

/// What is taken out of a sentence.
enum Taken {
    Whole,
    /// These characters, from and to before.
    Parts(Vec<(usize, usize)>),
}

impl Taken {
    fn out_of(&self, text: &str) -> String {
        let Self::Parts(parts) = self else { return TAKEN_OUT.to_owned() };
        let (mut left, mut goes_on) = (String::with_capacity(text.len()), false);
        for (at, character) in text.chars().enumerate() {
            let is_taken = parts.iter().any(|(from, to)| (*from..*to).contains(&at));
            match (is_taken, goes_on) {
                (true, false) => left.push_str(TAKEN_OUT),
                (true, true) => {}
                (false, _) => left.push(character),
            }
            goes_on = is_taken;
        }
        left
    }
}

/// Where a value stands in a text, both folded.
fn places(text: &[char], value: &[char]) -> Vec<(usize, usize)> {
    let starts = text.windows(value.len()).enumerate().filter(|(_, window)| *window == value);
    starts.map(|(at, _)| (at, at + value.len())).collect()
}

/// The words of an entity; none if it has none.
fn value(entity: &Value) -> Option<Vec<char>> {
    let value = entity.get("value")?.as_str()?.trim();
    (!value.is_empty()).then(|| folded(value))
}

/// Character by character as small letters, so that places in it are places in the text.
fn folded(text: &str) -> Vec<char> {
    text.chars().map(|character| character.to_lowercase().next().unwrap_or(character)).collect()
}

fn span(entity: &Value) -> Option<(u64, u64)> {
    Some((entity.get("start_index")?.as_u64()?, entity.get("end_index")?.as_u64()?))
}

fn overlaps(a: (u64, u64), b: (u64, u64)) -> bool {
    a.0 < b.1 && b.0 < a.1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passage<'a>(text: &'a str, personal: &'a [Value]) -> Passage<'a> {
        Passage { text, personal, place: None, holds_a_number: false }
    }

    #[test]
    fn what_is_personal_is_taken_out_wherever_it_is_said() {
        let entity = [json!({ "value": "Max Müller", "start_index": 90, "end_index": 91, "type": "name" })];
        let passages = vec![passage("I am max müller, Max Müller!", &entity), passage("Bye, MAX MÜLLER", &[])];
        assert_eq!(redacted(passages, &[]), ["I am […], […]!", "Bye, […]"]);
    }

    #[test]
    fn where_it_is_not_found_as_it_was_said_the_whole_sentence_goes() {
        for lost in [json!({ "value": "555-0100" }), json!({ "value": " " }), json!({}), json!("555"), json!(null)] {
            let personal = [lost.clone()];
            let passages = vec![passage("Call five five five.", &personal), passage("Good night.", &[])];
            assert_eq!(redacted(passages, &[]), ["[…]", "Good night."], "{lost}");
        }
    }

    #[test]
    fn a_number_to_call_that_nobody_points_at_takes_its_sentence_with_it() {
        let held = |text| Passage { holds_a_number: true, ..passage(text, &[]) };
        assert_eq!(redacted(vec![held("Five five five."), passage("So.", &[])], &[]), ["[…]", "So."]);
        let pointed = [json!({ "value": "five five" })];
        let held = Passage { holds_a_number: true, ..passage("Call five five.", &pointed) };
        assert_eq!(redacted(vec![held], &[]), ["Call […]."]);
    }

    #[test]
    fn what_is_personal_in_all_of_it_is_found_by_words_then_by_place_and_else_nothing_stays() {
        let said = |place: Option<(u64, u64)>| {
            let second = place.map(|(from, to)| (to + 1, to + 1 + (to - from)));
            vec![
                Passage { place, ..passage("Call me now.", &[]) },
                Passage { place: second, ..passage("Or not.", &[]) },
            ]
        };
        let by_words = [json!({ "value": "me now" })];
        assert_eq!(redacted(said(None), &by_words), ["Call […].", "Or not."]);
        let by_place = [json!({ "value": "555", "start_index": 3, "end_index": 5 })];
        assert_eq!(redacted(said(Some((0, 12))), &by_place), ["[…]", "Or not."]);
        assert_eq!(redacted(said(None), &by_place), ["[…]", "[…]"]);
        let nowhere = [json!({ "value": "555", "start_index": 900, "end_index": 905 })];
        assert_eq!(redacted(said(Some((0, 12))), &nowhere), ["[…]", "[…]"]);
    }

    #[test]
    fn of_more_than_can_be_looked_for_nothing_stays() {
        let many: Vec<Value> = (0..=ENTITIES_MAX).map(|n| json!({ "value": format!("word{n}") })).collect();
        let text = (0..=ENTITIES_MAX).map(|n| format!("word{n} ")).collect::<String>();
        assert_eq!(redacted(vec![passage(&text, &many)], &[]), ["[…]"]);
    }
}
