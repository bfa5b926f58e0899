//! How a policy file says what is looked for: its rules, each with its threshold in a scale that its taxonomy has.

use serde_saphyr::Spanned;

use super::diagnostic::{Flaw, Place};
use super::document::{RuleDocument, Text, place};
use super::file::{DocumentReader, RulePlaces, taxonomy_named};
use super::taxonomy::{Scale, Taxonomy};
use super::{Category, Rule, Window, bounds, category, terms};
use crate::model::{Action, Approval, Confidence, RuleId};

impl DocumentReader<'_> {
    pub(super) fn rules(
        &mut self,
        at: Place,
        written: &[Spanned<RuleDocument>],
        taxonomy: Option<&'static Taxonomy>,
    ) -> (Vec<Rule>, Vec<RulePlaces>) {
        self.bounded(at, "rules", written.len(), bounds::RULES_MAX);
        let mut ids: Vec<&Text> = Vec::with_capacity(written.len());
        for id in written.iter().filter_map(|rule| rule.value.id.as_ref()) {
            if let Some(first) = ids.iter().find(|first| first.value == id.value) {
                let what =
                    format!("rule {} stands here a second time; the first is on line {}", id.value, place(first).line);
                self.said.error(place(id), Flaw::new(what, "ids unique within the policy", "rename one of the two"));
            }
            ids.push(id);
        }
        written.iter().filter_map(|rule| self.rule(rule, taxonomy)).unzip()
    }

    fn rule(
        &mut self,
        written: &Spanned<RuleDocument>,
        taxonomy: Option<&'static Taxonomy>,
    ) -> Option<(Rule, RulePlaces)> {
        let at = place(written);
        let stands = |text: &Option<Text>| text.as_ref().map_or(at, place);
        let rule = &written.value;

        let id = self.required(at, "id", "a rule id", "id: weapons", rule.id.as_ref());
        let id = self.read(id, |text| {
            if RuleId::is_reserved_for_unavailable(text) {
                let what = format!("{text} is what warnings name where frames could not be judged");
                return Err(Flaw::new(
                    what,
                    "another rule id",
                    "rename the rule; the policy's own key is on_unavailable",
                ));
            }
            if text.starts_with(RuleId::EXTERNAL) {
                let what = format!("{text} is what warnings name where an external actor decided");
                let hint = format!("rename the rule: none begins with {}", RuleId::EXTERNAL);
                return Err(Flaw::new(what, "another rule id", hint));
            }
            RuleId::new(text).map_err(|e| Flaw::new(e.to_string(), "a rule id", "write lower-case words joined by -"))
        });
        let own = self.read(rule.taxonomy.as_ref(), taxonomy_named);
        let taxonomy = if rule.taxonomy.is_some() { own } else { taxonomy };
        let categories =
            self.required(at, "categories", "a list", "categories: [Violence/Weapons]", rule.categories.as_deref());
        let (categories, category_places) =
            categories.map(|categories| self.categories(at, categories, taxonomy)).unwrap_or_default();
        let threshold = self.threshold(at, rule, taxonomy);
        let window = self.read(rule.window.as_ref(), terms::window).unwrap_or(Window::Frames { hits: 1, of: 1 });
        let action = self.read(rule.action.as_ref(), |text| {
            terms::word(text, "action", &[("warn", Action::Warn), ("stop", Action::Stop), ("suspend", Action::Suspend)])
        });
        let approval = self.read(rule.approval.as_ref(), |text| {
            terms::word(text, "approval", &[("none", Approval::None), ("person", Approval::Person)])
        });
        let severity =
            self.read(rule.severity.as_ref(), |text| terms::whole(text, "severity", 1..=bounds::SEVERITY_MAX, 3));
        let cooldown = self.read(rule.cooldown.as_ref(), |text| terms::duration(text, bounds::COOLDOWN_MS));

        let places = RulePlaces {
            id: stands(&rule.id),
            categories: category_places,
            taxonomy: rule.taxonomy.as_ref().map(place),
            confidence: rule
                .confidence
                .as_ref()
                .or(rule.score.as_ref())
                .or(rule.from_severity.as_ref())
                .map_or(at, place),
            window: stands(&rule.window),
            approval: rule.approval.as_ref().map(place),
        };
        let (confidence, stated_in) = threshold?;
        let rule = Rule {
            id: id?,
            rev: 0,
            taxonomy: own.map(|own| own.name().into()),
            categories,
            confidence,
            stated_in,
            window,
            action: action.unwrap_or(Action::Warn),
            approval: approval.unwrap_or(Approval::Person), // nothing is stopped without a person unless it is written
            severity: severity.unwrap_or(3),
            cooldown_ms: cooldown.unwrap_or(300_000),
        };
        Some((rule.revised(), places))
    }

    /// A rule's threshold, and the scale it is written in.
    fn threshold(
        &mut self,
        at: Place,
        rule: &RuleDocument,
        taxonomy: Option<&'static Taxonomy>,
    ) -> Option<(Confidence, Scale)> {
        let stated = [&rule.confidence, &rule.score, &rule.from_severity].into_iter().flatten();
        if let Some(second) = stated.clone().nth(1) {
            let what = "two thresholds are stated";
            let expected = "one of `confidence`, `score` and `from_severity`";
            self.said.error(place(second), Flaw::new(what, expected, "remove the others"));
        }
        if let Some(score) = &rule.score {
            self.in_scale(score, taxonomy, Scale::Unit);
            return Some((self.read(Some(score), terms::score)?, Scale::Unit));
        }
        if let Some(severity) = &rule.from_severity {
            self.in_scale(severity, taxonomy, Scale::Severity);
            return Some((self.read(Some(severity), terms::from_severity)?, Scale::Severity));
        }
        let percent = self.required(at, "confidence", "percent", "confidence: 80", rule.confidence.as_ref());
        Some((self.read(percent, terms::percent)?, Scale::Percent))
    }

    /// A threshold in a provider's own scale is one of a taxonomy in that scale.
    fn in_scale(&mut self, text: &Text, taxonomy: Option<&'static Taxonomy>, stated: Scale) {
        let Some(taxonomy) = taxonomy.filter(|taxonomy| taxonomy.scale() != stated) else { return };
        let name = taxonomy.name();
        let (what, hint) = match stated {
            Scale::Severity => (format!("labels of {name} come with no severity"), "write confidence: 90"),
            Scale::Unit | Scale::Percent => {
                (format!("labels of {name} come in percent, not as scores"), "write confidence: 90 for 0.9")
            }
        };
        let (what, expected, hint) = match taxonomy.scale() {
            Scale::Severity => {
                let what = format!("labels of {name} come with a severity, not as scores");
                (what, "`from_severity:`, 1 to 3", "write from_severity: 2")
            }
            Scale::Unit | Scale::Percent => (what, "`confidence:` in percent", hint),
        };
        self.said.error(place(text), Flaw::new(what, expected, hint));
    }

    fn categories(
        &mut self,
        at: Place,
        written: &[Text],
        taxonomy: Option<&'static Taxonomy>,
    ) -> (Vec<Category>, Vec<Place>) {
        self.bounded(at, "categories", written.len(), bounds::CATEGORIES_MAX);
        let Some(taxonomy) = taxonomy else { return Default::default() }; // reported already
        let read = written.iter().filter_map(|text| {
            let category = self.read(Some(text), |text| category::read(text, taxonomy))?;
            if let Some(note) = category::namesake(&text.value, &category, taxonomy) {
                self.said.note(place(text), note);
            }
            Some((category, place(text)))
        });
        read.unzip()
    }
}
