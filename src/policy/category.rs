//! From a category as it is written to a place in a taxonomy, and what to write where there is none.

use super::Category;
use super::diagnostic::Flaw;
use super::taxonomy::{Taxonomy, Unresolved, from_rekognition_6};
use crate::model::LabelPath;

/// A bare name must be in the taxonomy: there is no path to match without it. A path that is not in it is taken as it
/// stands, for labels that a newer model adds, and left to `check` to warn of.
pub(super) fn read(text: &str, taxonomy: &Taxonomy) -> Result<Category, Flaw> {
    if text == "*" {
        return Ok(Category::Any);
    }
    let expected = || format!("a path or name of {}, or \"*\"", taxonomy.name());
    match taxonomy.resolve(text) {
        Ok(label) => Ok(Category::Within(label.path.clone())),
        Err(Unresolved::Ambiguous { paths }) => {
            let paths: Vec<&str> = paths.iter().map(LabelPath::as_str).collect();
            let hint = format!("write one of: {}", paths.join(", "));
            Err(Flaw::new(format!("{text:?} is the name of several labels"), expected(), hint))
        }
        Err(Unresolved::Unknown { closest }) => match LabelPath::new(text) {
            Ok(path) if text.contains('/') => Ok(Category::Within(path)),
            Ok(_) => {
                let what = format!("{} has no label {text:?}", taxonomy.name());
                Err(Flaw::new(what, expected(), hint_for_unknown(text, closest.as_ref(), taxonomy)))
            }
            Err(error) => Err(Flaw::new(error.to_string(), expected(), "write the path as in Violence/Weapons")),
        },
    }
}

/// What is worth knowing where a bare name is that of a category and of one of several labels in it.
pub(super) fn namesake(text: &str, read: &Category, taxonomy: &Taxonomy) -> Option<String> {
    let Category::Within(category) = read else { return None };
    let below = || taxonomy.labels().iter().filter(|label| label.path != *category && label.path.is_within(category));
    let label = below().find(|label| label.path.leaf() == text)?;
    let others: Vec<&str> = below().filter(|other| other.path != label.path).map(|other| other.path.leaf()).collect();
    (!others.is_empty()).then(|| {
        let (also, alone) = (others.join(", "), label.path.as_str());
        format!("{text} is read as the category {category}, which holds {also} too; {alone} is the label alone")
    })
}

/// What to write in place of a path that the taxonomy does not hold.
pub(super) fn hint_for_unknown_path(path: &LabelPath, taxonomy: &Taxonomy) -> String {
    let closest = match taxonomy.resolve(path.leaf()) {
        Ok(label) => Some(label.path.clone()), // the right name in the wrong place
        Err(_) => match taxonomy.resolve(path.as_str()) {
            Err(Unresolved::Unknown { closest }) => closest,
            Ok(_) | Err(Unresolved::Ambiguous { .. }) => None,
        },
    };
    hint_for_unknown(path.as_str(), closest.as_ref(), taxonomy)
}

/// What to write in place of a category that the taxonomy does not hold.
fn hint_for_unknown(text: &str, closest: Option<&LabelPath>, taxonomy: &Taxonomy) -> String {
    let old_name = text.rsplit('/').next().unwrap_or(text);
    let renamed = from_rekognition_6(old_name).filter(|_| taxonomy.name() == Taxonomy::REKOGNITION);
    match (closest, renamed) {
        (Some(path), _) => format!("did you mean {path}?"),
        (None, Some(new)) => {
            let new: Vec<&str> = new.iter().map(LabelPath::as_str).collect();
            format!("{old_name} was a label of Rekognition 6; version 7 has {} in its place", new.join(", "))
        }
        (None, None) => {
            let above = nearest_category_above(text, taxonomy);
            let below = |path: &&str| path.rsplit_once('/').map(|(parent, _)| parent) == above;
            let paths: Vec<&str> = taxonomy.labels().iter().map(|label| label.path.as_str()).filter(below).collect();
            match above {
                Some(above) => format!("under {above} there are: {}", paths.join(", ")),
                None => format!("its top categories are: {}", paths.join(", ")),
            }
        }
    }
}

/// The longest part of a path, from the top, that the taxonomy holds and that has something below it.
fn nearest_category_above<'a>(text: &'a str, taxonomy: &Taxonomy) -> Option<&'a str> {
    let parents = std::iter::successors(text.rsplit_once('/'), |(above, _)| above.rsplit_once('/'));
    let is_parent = |above: &&str| {
        let under = format!("{above}/");
        taxonomy.labels().iter().any(|label| label.path.as_str().starts_with(&under))
    };
    parents.map(|(above, _)| above).find(is_parent)
}
