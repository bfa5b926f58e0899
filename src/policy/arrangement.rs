//! Who is asked about a frame, in what order, and whose answer decides.
//!
//! [`Arrangement`] is what a policy says of it, and [`Arrangement::next`] the plan: from what those asked so far have said
//! to who is asked next, or to whose answer decides and why. Pure: a warden and a trial in the laboratory follow the one
//! plan. Asks nobody, and knows of an answer only what the next step depends on.

use std::num::NonZeroU32;

use crate::events::{Arranged, OpinionRole};
use crate::model::{Confidence, FrameId, Label, ProviderName, Sha256};

/// Who is asked about a frame. As a policy says nothing of it: whoever the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrangement {
    /// Whose answer decides.
    pub judges: Judges,
    /// Who must agree before a rule stops a stream by itself; asked where one would.
    pub second: Option<ProviderName>,
    /// Who else is asked about some of the frames, to be compared. Nothing rests on it and nothing waits for it.
    pub comparing: Option<Comparing>,
}

/// Whose answer decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Judges {
    /// The provider that the configuration names.
    #[default]
    Configured,
    /// The first of these that answers, each asked where those before it did not; 1 to 4.
    InOrder(Vec<ProviderName>),
    /// One that costs little says whether another need be asked.
    Cascade {
        /// Who screens.
        first: ProviderName,
        /// Who is asked where the first is at least so sure of any label, or did not answer.
        then: ProviderName,
        /// How sure.
        from: Confidence,
        /// Of the frames in which it is not, one in so many is asked about all the same, so that what the screen misses
        /// is known; none: of no frame.
        sample: Option<NonZeroU32>,
    },
}

/// Whose answers are compared with those that decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparing {
    /// Whose.
    pub with: ProviderName,
    /// On one in so many of the frames that are judged.
    pub one_in: NonZeroU32,
}

/// Who is meant: a provider of that name, or whichever the configuration names for the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who<'a> {
    /// The one that the configuration names.
    Configured,
    /// The one that calls itself so.
    Named(&'a ProviderName),
}

/// One who was asked about a frame, and what the plan needs to know of what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The name that the provider calls itself.
    pub name: &'a str,
    /// What it said; none if it did not answer.
    pub said: Option<Gist>,
}

/// What of an answer the next step depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gist {
    /// Its surest label; none if it has no labels.
    pub surest: Option<Confidence>,
    /// Whether a rule that stops by itself is hit, so that a second provider must agree.
    pub would_stop: bool,
}

/// What comes next with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// This one is asked.
    Ask {
        /// Who.
        who: Who<'a>,
        /// It may take one part in so many of the time that is left, so that one that hangs leaves time for those who
        /// may still have to be asked; from 1.
        of: u32,
    },
    /// Everybody has been heard, and an answer decides.
    Decided {
        /// Whose, by its place among those asked.
        by: usize,
        /// Why that one.
        arranged: Option<Arranged>,
    },
    /// Nobody is left to be asked, and there is no answer that may decide.
    Unanswered,
}

impl Arrangement {
    /// The plan: what comes next, after those in `asked` were asked in this order. `may_stop`: the policy has a rule that
    /// stops by itself.
    pub fn next<'a>(&'a self, frame: FrameId, may_stop: bool, asked: &[Asked<'_>]) -> Step<'a> {
        let second = self.second.as_ref().filter(|_| may_stop);
        let (by, arranged) = match self.judge(frame, asked) {
            Judge::Ask { who, others } => {
                // Whoever seconds may be among those that are asked anyway: then it is given more time than it needs.
                return Step::Ask { who, of: 1 + others + u32::from(second.is_some()) };
            }
            Judge::Decided { by, arranged } => (by, arranged),
            Judge::Unanswered => return Step::Unanswered,
        };
        let Some(second) = second else { return Step::Decided { by, arranged } };
        // Nobody is asked twice about a frame: what it said, or that it did not, stands. Nor does one agree with itself.
        let is_asked = asked.iter().any(|asked| asked.name == second.as_str());
        let wanted = asked[by].said.is_some_and(|said| said.would_stop);
        match wanted && !is_asked {
            true => Step::Ask { who: Who::Named(second), of: 1 },
            false => Step::Decided { by, arranged },
        }
    }

    /// Whose answer decides, whoever must agree with it.
    fn judge<'a>(&'a self, frame: FrameId, asked: &[Asked<'_>]) -> Judge<'a> {
        match &self.judges {
            Judges::Configured => in_order(std::iter::once(Who::Configured), asked),
            Judges::InOrder(names) => in_order(names.iter().map(Who::Named), asked),
            Judges::Cascade { first, then, from, sample } => {
                let Some(screen) = asked.first() else { return Judge::Ask { who: Who::Named(first), others: 1 } };
                let past = |surest: Confidence| surest >= *from;
                let sampled = || sample.is_some_and(|one_in| is_sampled("screened", frame, one_in));
                let why = match screen.said {
                    None => Arranged::InPlaceOf(1),
                    Some(said) if said.surest.is_some_and(past) => Arranged::PastTheScreen,
                    Some(_) if sampled() => Arranged::Sampled,
                    Some(_) => return Judge::Decided { by: 0, arranged: Some(Arranged::NothingToAsk) },
                };
                match asked.get(1) {
                    None => Judge::Ask { who: Who::Named(then), others: 0 },
                    Some(Asked { said: Some(_), .. }) => Judge::Decided { by: 1, arranged: Some(why) },
                    // Never clear because the one that screens saw nothing: it was not to decide this frame.
                    Some(Asked { said: None, .. }) => Judge::Unanswered,
                }
            }
        }
    }

    /// Whether the frame is one of those about which another provider is asked to be compared, and who that is.
    pub fn compares(&self, frame: FrameId) -> Option<&ProviderName> {
        let comparing = self.comparing.as_ref()?;
        is_sampled("compared", frame, comparing.one_in).then_some(&comparing.with)
    }

    /// Everybody that may be asked before the outcome, each once and in no order that means anything.
    pub fn everybody(&self) -> Vec<Who<'_>> {
        let mut everybody = match &self.judges {
            Judges::Configured => vec![Who::Configured],
            Judges::InOrder(names) => names.iter().map(Who::Named).collect(),
            Judges::Cascade { first, then, .. } => vec![Who::Named(first), Who::Named(then)],
        };
        let second = self.second.as_ref().map(Who::Named);
        everybody.extend(second.filter(|second| !everybody.contains(second)));
        everybody
    }

    /// The provider that must agree, where the one that is meant to decide is the same.
    pub fn seconds_itself(&self) -> Option<&ProviderName> {
        let decides = match &self.judges {
            Judges::Configured => None, // it is not known here who that is
            Judges::InOrder(names) => names.first(),
            Judges::Cascade { then, .. } => Some(then),
        };
        self.second.as_ref().filter(|second| decides == Some(second))
    }

    /// Whether it says more than whom the configuration names.
    pub fn names_somebody(&self) -> bool {
        self.judges != Judges::Configured || self.second.is_some()
    }
}

impl Judges {
    /// Whether that provider's answer may decide.
    pub fn name(&self, provider: &ProviderName) -> bool {
        match self {
            Self::Configured => false, // it is not known here who that is
            Self::InOrder(names) => names.contains(provider),
            Self::Cascade { first, then, .. } => first == provider || then == provider,
        }
    }
}

impl Gist {
    /// Of an answer's labels.
    pub fn of(labels: &[Label], would_stop: bool) -> Self {
        Self { surest: labels.iter().map(|label| label.confidence()).max(), would_stop }
    }
}

/// What one who did not decide was asked for: `after` says whether that was when somebody else's answer already stood.
pub fn role_of(answered: bool, after: bool) -> OpinionRole {
    match (after, answered) {
        (true, _) => OpinionRole::Seconded,
        (false, true) => OpinionRole::Screened,
        (false, false) => OpinionRole::FellOver,
    }
}

/// Who judges next, or whose answer does.
enum Judge<'a> {
    Ask { who: Who<'a>, others: u32 },
    Decided { by: usize, arranged: Option<Arranged> },
    Unanswered,
}

/// The first that answers.
fn in_order<'a>(order: impl ExactSizeIterator<Item = Who<'a>> + Clone, asked: &[Asked<'_>]) -> Judge<'a> {
    let count = order.len();
    if let Some(by) = asked.iter().take(count).position(|asked| asked.said.is_some()) {
        let before = u8::try_from(by).unwrap_or(u8::MAX); // there are at most four
        return Judge::Decided { by, arranged: (by > 0).then_some(Arranged::InPlaceOf(before)) };
    }
    match order.clone().nth(asked.len()) {
        Some(who) => Judge::Ask { who, others: (count - asked.len() - 1) as u32 }, // at most three
        None => Judge::Unanswered,
    }
}

/// Whether a frame is the one in so many. Decided by its id, so that whoever replays it knows; for each purpose anew, so
/// that what is asked for one says nothing of another.
fn is_sampled(purpose: &str, frame: FrameId, one_in: NonZeroU32) -> bool {
    let drawn = Sha256::of(&[purpose.as_bytes(), frame.as_bytes()].concat());
    let [a, b, c, d, e, f, g, h, ..] = drawn.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h]).is_multiple_of(u64::from(one_in.get()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChannelId;

    fn name(text: &str) -> ProviderName {
        ProviderName::new(text).unwrap()
    }

    fn one_in(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).unwrap()
    }

    fn frame(number: u32) -> FrameId {
        FrameId::of(&ChannelId::new("ch").unwrap(), &[&number.to_be_bytes()])
    }

    /// What was said so far, written `name:percent`, `name:percent!` where a rule would stop, `name:-` for no answer.
    fn asked(said: &str) -> Vec<Asked<'_>> {
        said.split_whitespace()
            .map(|one| {
                let (name, said) = one.split_once(':').unwrap();
                let percent = said.trim_end_matches('!').parse::<u32>().ok();
                let gist = |percent: u32| Gist {
                    surest: Some(Confidence::from_milli(percent * 1000).unwrap()),
                    would_stop: said.ends_with('!'),
                };
                Asked { name, said: percent.map(gist) }
            })
            .collect()
    }

    /// The step as a row of a table writes it.
    fn written(step: Step<'_>) -> String {
        match step {
            Step::Ask { who: Who::Configured, of } => format!("ask configured 1/{of}"),
            Step::Ask { who: Who::Named(name), of } => format!("ask {name} 1/{of}"),
            Step::Decided { by, arranged: None } => format!("decided by {by}"),
            Step::Decided { by, arranged: Some(why) } => format!("decided by {by} {why:?}"),
            Step::Unanswered => "unanswered".to_owned(),
        }
    }

    fn cascade(sample: Option<NonZeroU32>) -> Judges {
        let from = Confidence::from_milli(20_000).unwrap();
        Judges::Cascade { first: name("local"), then: name("rek"), from, sample }
    }

    #[test]
    fn every_row_of_the_plan() {
        let order = || Judges::InOrder(vec![name("rek"), name("hive"), name("local")]);
        let alone = || Judges::InOrder(vec![name("rek")]);
        let never = || cascade(None);
        let always = || cascade(Some(one_in(1)));
        let rows: &[(Judges, &str, &str, &str)] = &[
            // judges, who must agree, what was said, what comes next
            (Judges::Configured, "", "", "ask configured 1/1"),
            (Judges::Configured, "", "rek:99!", "decided by 0"),
            (Judges::Configured, "", "rek:-", "unanswered"),
            (alone(), "", "", "ask rek 1/1"),
            (alone(), "", "rek:0", "decided by 0"),
            (alone(), "", "rek:-", "unanswered"),
            (order(), "", "", "ask rek 1/3"),
            (order(), "", "rek:50", "decided by 0"),
            (order(), "", "rek:-", "ask hive 1/2"),
            (order(), "", "rek:- hive:50", "decided by 1 InPlaceOf(1)"),
            (order(), "", "rek:- hive:-", "ask local 1/1"),
            (order(), "", "rek:- hive:- local:3", "decided by 2 InPlaceOf(2)"),
            (order(), "", "rek:- hive:- local:-", "unanswered"),
            (never(), "", "", "ask local 1/2"),
            (never(), "", "local:19", "decided by 0 NothingToAsk"),
            (never(), "", "local:20", "ask rek 1/1"),
            (never(), "", "local:20 rek:0", "decided by 1 PastTheScreen"),
            (never(), "", "local:20 rek:-", "unanswered"),
            (never(), "", "local:-", "ask rek 1/1"),
            (never(), "", "local:- rek:7", "decided by 1 InPlaceOf(1)"),
            (never(), "", "local:- rek:-", "unanswered"),
            (always(), "", "local:19", "ask rek 1/1"),
            (always(), "", "local:19 rek:0", "decided by 1 Sampled"),
            // What the screen saw decides nothing of a frame that another was asked about.
            (always(), "", "local:19 rek:-", "unanswered"),
            (always(), "", "local:20 rek:0", "decided by 1 PastTheScreen"),
            (Judges::Configured, "hive", "", "ask configured 1/2"),
            (Judges::Configured, "hive", "rek:99", "decided by 0"),
            (Judges::Configured, "hive", "rek:99!", "ask hive 1/1"),
            (Judges::Configured, "hive", "rek:99! hive:-", "decided by 0"),
            (Judges::Configured, "hive", "rek:99! hive:1", "decided by 0"),
            (Judges::Configured, "hive", "rek:-", "unanswered"),
            // One does not agree with itself, and nobody is asked twice about a frame.
            (Judges::Configured, "rek", "rek:99!", "decided by 0"),
            (order(), "hive", "", "ask rek 1/4"),
            (order(), "hive", "rek:99!", "ask hive 1/1"),
            (order(), "hive", "rek:- hive:99!", "decided by 1 InPlaceOf(1)"),
            (order(), "hive", "rek:- hive:- local:99!", "decided by 2 InPlaceOf(2)"),
            (never(), "hive", "", "ask local 1/3"),
            (never(), "hive", "local:19", "decided by 0 NothingToAsk"),
            (never(), "hive", "local:19!", "ask hive 1/1"),
            (never(), "hive", "local:19! hive:80!", "decided by 0 NothingToAsk"),
            (never(), "hive", "local:90! ", "ask rek 1/2"),
            (never(), "hive", "local:90! rek:99!", "ask hive 1/1"),
            (never(), "hive", "local:90! rek:99! hive:70", "decided by 1 PastTheScreen"),
            (never(), "local", "local:90! rek:99!", "decided by 1 PastTheScreen"),
        ];
        for (judges, second, said, expected) in rows {
            let second = (!second.is_empty()).then(|| name(second));
            let arrangement = Arrangement { judges: judges.clone(), second, comparing: None };
            let step = arrangement.next(frame(1), true, &asked(said));
            assert_eq!(written(step), *expected, "{arrangement:?} after {said:?}");
        }
    }

    #[test]
    fn nobody_needs_to_agree_where_no_rule_stops_by_itself() {
        let arrangement = Arrangement { second: Some(name("hive")), ..Arrangement::default() };
        assert_eq!(written(arrangement.next(frame(1), false, &[])), "ask configured 1/1");
    }

    #[test]
    fn about_one_frame_in_so_many_is_asked_the_same_each_time_and_for_each_purpose_anew() {
        let drawn = |purpose: &str| -> Vec<u32> {
            (0..20_000).filter(|number| is_sampled(purpose, frame(*number), one_in(20))).collect()
        };
        let (screened, compared) = (drawn("screened"), drawn("compared"));
        assert!((900..1100).contains(&screened.len()), "{}", screened.len());
        assert_eq!(screened, drawn("screened"));
        let both = screened.iter().filter(|number| compared.contains(number)).count();
        assert!((20..90).contains(&both), "{both} of {} and {}", screened.len(), compared.len());
    }

    #[test]
    fn what_one_was_asked_for_follows_from_when_and_whether_it_answered() {
        assert_eq!(role_of(true, false), OpinionRole::Screened);
        assert_eq!(role_of(false, false), OpinionRole::FellOver);
        assert_eq!(role_of(true, true), OpinionRole::Seconded);
        assert_eq!(role_of(false, true), OpinionRole::Seconded);
    }
}
