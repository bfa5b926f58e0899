//! How a policy file says who is asked about a frame: its text becomes an [`Arrangement`], or is found at fault.

use serde_saphyr::Spanned;

use super::arrangement::{Arrangement, Comparing, Judges};
use super::diagnostic::{Flaw, Place};
use super::document::{CascadeDocument, CompareWithDocument, JudgedByDocument, PolicyDocument, Text, place};
use super::file::DocumentReader;
use super::{bounds, terms};
use crate::model::ProviderName;

/// Where a policy says who is asked, each name with its place, for what is said of it later.
#[derive(Debug, Clone, Default)]
pub struct ArrangementPlaces {
    /// Every provider that is named.
    pub named: Vec<(ProviderName, Place)>,
    /// Who must agree, if somebody must.
    pub second: Option<Place>,
}

impl DocumentReader<'_> {
    pub(super) fn arrangement(&mut self, written: &PolicyDocument) -> (Arrangement, ArrangementPlaces) {
        let mut places = ArrangementPlaces::default();
        let judges = written.judged_by.as_ref().and_then(|judges| self.judges(judges, &mut places));
        let judges = judges.unwrap_or_default();
        let second = self.provider(written.second_opinion.as_ref(), &mut places);
        if let (Some(text), Some(second)) = (&written.second_opinion, &second) {
            places.second = Some(place(text));
            if is_only_judge(&judges, second) {
                let what = format!("{second} would agree with itself: nobody else judges");
                let hint = "name another provider, or leave second_opinion out";
                self.said.error(place(text), Flaw::new(what, "a provider that does not judge", hint));
            }
        }
        let comparing = written.compare_with.as_ref().and_then(|written| self.comparing(written, &mut places));
        if let (Some(written), Some(comparing)) = (&written.compare_with, &comparing)
            && is_always_asked(&judges, &comparing.with)
        {
            let what = format!("{} is asked about every frame already", comparing.with);
            let hint = "name another provider, or leave compare_with out";
            self.said.error(place(written), Flaw::new(what, "a provider that is not asked anyway", hint));
        }
        (Arrangement { judges, second, comparing }, places)
    }

    fn judges(&mut self, written: &Spanned<JudgedByDocument>, places: &mut ArrangementPlaces) -> Option<Judges> {
        let at = place(written);
        match &written.value {
            JudgedByDocument::One(text) => match terms::provider(text) {
                Ok(name) => {
                    places.named.push((name.clone(), at));
                    Some(Judges::InOrder(vec![name]))
                }
                Err(flaw) => {
                    self.said.error(at, flaw);
                    None
                }
            },
            JudgedByDocument::InOrder(texts) => {
                self.bounded(at, "providers", texts.len(), bounds::JUDGES_MAX);
                let mut names: Vec<ProviderName> = Vec::with_capacity(texts.len());
                for text in texts {
                    let Some(name) = self.provider(Some(text), places) else { continue };
                    if names.contains(&name) {
                        let what = format!("{name} stands here a second time");
                        let hint = "remove one of the two: one that did not answer is not asked again";
                        self.said.error(place(text), Flaw::new(what, "each provider once", hint));
                    }
                    names.push(name);
                }
                Some(Judges::InOrder(names))
            }
            JudgedByDocument::Cascade(cascade) => self.cascade(at, cascade, places),
        }
    }

    fn cascade(&mut self, at: Place, written: &CascadeDocument, places: &mut ArrangementPlaces) -> Option<Judges> {
        let CascadeDocument { first, then, from, sample } = written;
        let first = self.required(at, "first", "a provider's name", "first: local", first.as_ref());
        let first = self.provider(first, places);
        let then_text = self.required(at, "then", "a provider's name", "then: rekognition", then.as_ref());
        let then = self.provider(then_text, places);
        let from = self.required(at, "from", "percent", "from: 20", from.as_ref());
        let from = self.read(from, terms::percent);
        let sample = sample.as_ref().map(|sample| self.read(Some(sample), terms::share));
        if let (Some(first), Some(then), Some(text)) = (&first, &then, then_text)
            && first == then
        {
            let what = format!("{first} would screen for itself");
            let hint = format!("write `judged_by: {first}` for one alone");
            self.said.error(place(text), Flaw::new(what, "two different providers", hint));
        }
        let sample = match sample {
            Some(read) => Some(read?),
            None => None,
        };
        Some(Judges::Cascade { first: first?, then: then?, from: from?, sample })
    }

    fn comparing(
        &mut self,
        written: &Spanned<CompareWithDocument>,
        places: &mut ArrangementPlaces,
    ) -> Option<Comparing> {
        let at = place(written);
        let CompareWithDocument { provider, share } = &written.value;
        let with = self.required(at, "provider", "a provider's name", "provider: hive", provider.as_ref());
        let with = self.provider(with, places);
        let share = self.required(at, "share", "`1 in N`", "share: 1 in 20", share.as_ref());
        let one_in = self.read(share, terms::share);
        Some(Comparing { with: with?, one_in: one_in? })
    }

    fn provider(&mut self, text: Option<&Text>, places: &mut ArrangementPlaces) -> Option<ProviderName> {
        let name = self.read(text, terms::provider)?;
        places.named.extend(text.map(|text| (name.clone(), place(text))));
        Some(name)
    }
}

fn is_only_judge(judges: &Judges, name: &ProviderName) -> bool {
    matches!(judges, Judges::InOrder(names) if names.as_slice() == [name.clone()])
}

fn is_always_asked(judges: &Judges, name: &ProviderName) -> bool {
    match judges {
        Judges::Configured => false, // it is not known here who that is
        Judges::InOrder(names) => names.first() == Some(name),
        Judges::Cascade { first, .. } => first == name,
    }
}
